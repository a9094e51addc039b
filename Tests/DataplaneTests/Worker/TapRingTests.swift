import Dataplane
import Testing

@Suite("The ring of captured packets")
struct TapRingTests {
  private func header(_ length: Int, lif: UInt16 = 1) -> TapRing.Header {
    var header = TapRing.Header()
    header.length = UInt32(length)
    header.originalLength = UInt32(length)
    header.lif = lif
    return header
  }

  private func push(_ bytes: [UInt8], lif: UInt16 = 1, into ring: TapRing) {
    unsafe bytes.withUnsafeBytes { source in
      var nothing: UInt8 = 0
      unsafe withUnsafePointer(to: &nothing) { empty in
        unsafe ring.push(header(bytes.count, lif: lif), source.baseAddress ?? UnsafeRawPointer(empty))
      }
    }
  }

  @Test func `packets come out as they went in, round and round`() {
    let ring = TapRing()
    var random = SplitMix64(state: 7)
    var waiting: [(lif: UInt16, bytes: [UInt8])] = []
    var held = 0
    // Some twenty times the ring's memory, up to half of which is in use.
    for number in 0..<4000 {
      let length = Int(random.next(upperBound: UInt64(65_536)))
      let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: length)
      push(bytes, lif: UInt16(number & 0xFFF), into: ring)
      waiting.append((UInt16(number & 0xFFF), bytes))
      held += length
      while held > TapRing.byteCount / 2 {
        let expected = waiting.removeFirst()
        let found = ring.take()
        #expect(found?.header.lif == expected.lif && found?.bytes == expected.bytes)
        held -= expected.bytes.count
      }
    }
    for expected in waiting { #expect(ring.take()?.bytes == expected.bytes) }
    #expect(ring.take() == nil)
    #expect(ring.lostCount == 0)
  }

  @Test func `what there is no room for is lost and counted, and the rest is whole`() {
    let ring = TapRing()
    let pushed = 5000
    for number in 0..<pushed {
      push([UInt8](repeating: UInt8(number & 255), count: 1000), into: ring)
    }
    var taken = 0
    while let (_, bytes) = ring.take() {
      #expect(bytes == [UInt8](repeating: UInt8(taken & 255), count: 1000))
      taken += 1
    }
    #expect(taken > TapRing.byteCount / 1100 && taken + Int(ring.lostCount) == pushed)
    push([1, 2, 3], into: ring)
    #expect(ring.take()?.bytes == [1, 2, 3])
  }

  @Test func `an empty packet is one`() {
    let ring = TapRing()
    push([], into: ring)
    #expect(ring.take()?.bytes == [])
    #expect(ring.take() == nil)
  }
}
