import Dataplane
import FuzzTargets
import Testing

private func exercise(_ bytes: RawSpan, link: LinkType, original: Int) -> Bool {
  FrameCheck.problems(bytes, link: link, original: original).isEmpty
}

@Suite("Hostile bytes never trap")
struct FrameHostileTests {
  @Test func `every prefix of every valid packet, malformed and snapped`() throws {
    for vector in try FrameVector.all() {
      for count in 0...vector.bytes.count {
        let bytes = vector.bytes.span.bytes.extracting(first: count)
        let whole = exercise(bytes, link: vector.link, original: count)
        let snapped = exercise(bytes, link: vector.link, original: vector.bytes.count)
        let reason = Packets.reason(
          Array(vector.bytes.prefix(count)), link: vector.link, original: vector.bytes.count)
        #expect(whole && snapped && reason == nil, "\(vector.name) at \(count)")
      }
    }
  }

  @Test func `random bytes on every link`() {
    var random = SplitMix64(state: 1)
    var packet = [UInt8](repeating: 0, count: 160)
    for round in 0..<200_000 {
      let count = Int(random.next() % 161)
      for index in 0..<20 {
        let word = random.next()
        for byte in 0..<8 { packet[index * 8 + byte] = UInt8(truncatingIfNeeded: word >> UInt64(byte * 8)) }
      }
      let link = LinkType.allCases[round % LinkType.allCases.count]
      let ok = exercise(
        packet.span.bytes.extracting(first: count), link: link, original: count + round % 3 * 700)
      if !ok { Issue.record("round \(round)") }
    }
  }

  @Test func `valid packets with a few random bytes`() throws {
    var random = SplitMix64(state: 2)
    let vectors = try FrameVector.all()
    for round in 0..<200_000 {
      let vector = vectors[Int(random.next() % UInt64(vectors.count))]
      var packet = vector.bytes
      for _ in 0...random.next() % 4 {
        packet[Int(random.next() % UInt64(packet.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      let count = round % 2 == 0 ? packet.count : Int(random.next() % UInt64(packet.count + 1))
      let ok = exercise(packet.span.bytes.extracting(first: count), link: vector.link, original: packet.count)
      if !ok { Issue.record("round \(round), from \(vector.name)") }
      let problems = SuperFrameCheck.problems(
        packet.span.bytes.extracting(first: count), segmentSize: round % 100)
      if !problems.isEmpty { Issue.record("round \(round), from \(vector.name): \(problems)") }
    }
  }
}
