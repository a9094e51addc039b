import Dataplane
import Testing

@Suite("Internet checksum (RFC 1071, RFC 1624)")
struct ChecksumTests {
  /// One word at a time, as RFC 1071 §1 puts it in words.
  private static func naive(_ bytes: ArraySlice<UInt8>) -> UInt16 {
    var sum = 0
    for (index, byte) in bytes.enumerated() { sum += index % 2 == 0 ? Int(byte) << 8 : Int(byte) }
    while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
    return ~UInt16(sum)
  }

  @Test func `the example of RFC 1071`() {
    let bytes: [UInt8] = [0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]
    #expect(Checksum.of(bytes.span.bytes) == ~0xDDF2)
  }

  @Test func `agrees with the naive sum at every length and alignment`() {
    var random = SplitMix64(state: 3)
    let bytes = (0..<400).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    for start in 0..<9 {
      for end in start...bytes.count {
        let ours = Checksum.of(bytes.span.bytes.extracting(start..<end))
        #expect(ours == Self.naive(bytes[start..<end]), "\(start)..<\(end)")
      }
    }
  }

  @Test func `carries of all-ones words`() {
    for count in 0...70 {
      let bytes = [UInt8](repeating: 0xFF, count: count)
      #expect(Checksum.of(bytes.span.bytes) == Self.naive(bytes[...]), "\(count)")
    }
  }

  @Test func `the sum of parts is the sum of the whole`() {
    var random = SplitMix64(state: 4)
    let bytes = (0..<1001).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    for cut in stride(from: 0, through: 1000, by: 2) {
      var checksum = Checksum()
      checksum.add(bytes.span.bytes.extracting(first: cut))
      checksum.add(bytes.span.bytes.extracting(droppingFirst: cut))
      #expect(checksum.value == Self.naive(bytes[...]))
    }
  }

  @Test func `the corner case of RFC 1624`() {
    #expect(Checksum.adjusted(0xDD2F, from: 0x5555, to: 0x3285) == 0x0000)
  }

  @Test func `an incremental update equals a fresh sum`() {
    var random = SplitMix64(state: 5)
    for _ in 0..<20_000 {
      // Zero and all-ones words often: they are where 0 and ~0 meet.
      var words = (0..<10).map { _ -> UInt16 in
        let word = random.next()
        return word % 4 == 0 ? 0 : word % 4 == 1 ? 0xFFFF : UInt16(truncatingIfNeeded: word >> 16)
      }
      words[0] = 0x4500
      let old = words[4]
      let before = Self.naive(words.flatMap { Packets.bigEndian($0) }[...])
      words[4] = UInt16(truncatingIfNeeded: random.next() >> 8)
      let after = Self.naive(words.flatMap { Packets.bigEndian($0) }[...])
      #expect(Checksum.adjusted(before, from: old, to: words[4]) == after)
    }
  }

  @Test(arguments: [IPAddress.Family.ipv4, .ipv6])
  func `a filled transport checksum verifies with its pseudo header`(family: IPAddress.Family) {
    let source = family == .ipv4 ? Packets.source4 : Packets.source6
    let destination = family == .ipv4 ? Packets.destination4 : Packets.destination6
    let cases: [(Checksum.Transport, UInt8, [UInt8])] = [
      (.tcp, 6, Packets.tcp([1, 2, 3])), (.udp, 17, Packets.udp([9])), (.icmpv6, 58, Packets.echo(.ipv6)),
    ]
    for (transport, number, packet) in cases {
      let filled = Self.filled(transport, source, destination, packet)
      let address = family == .ipv4 ? 32 : 128
      let text = [source, destination].flatMap {
        address == 32
          ? Packets.bigEndian($0.ipv4Value) : Packets.bigEndian($0.high) + Packets.bigEndian($0.low)
      }
      let pseudo = text + Packets.bigEndian(UInt32(packet.count)) + Packets.bigEndian(UInt32(number))
      #expect(Self.naive((pseudo + filled)[...]) == 0, "\(transport)")
    }
  }

  @Test func `ICMP is summed without a pseudo header`() {
    let filled = Self.filled(.icmp, Packets.source4, Packets.destination4, Packets.echo(.ipv4))
    #expect(Self.naive(filled[...]) == 0)
  }

  @Test func `a UDP sum of zero is stored as all ones`() {
    // The payload word is what is missing to 0xFFFF.
    var packet = Packets.udp([0, 0])
    let sum = Self.filled(.udp, Packets.source4, Packets.destination4, packet)[6...7]
    packet[8] = sum[6]
    packet[9] = sum[7]
    let filled = Self.filled(.udp, Packets.source4, Packets.destination4, packet)
    #expect(filled[6] == 0xFF && filled[7] == 0xFF)
  }

  private static func filled(
    _ transport: Checksum.Transport, _ source: IPAddress, _ destination: IPAddress, _ packet: [UInt8]
  ) -> [UInt8] {
    var packet = [0xAA] + packet
    let length = packet.count - 1
    var span = packet.mutableSpan
    var bytes = span.mutableBytes
    Checksum.fill(transport, source: source, destination: destination, length: length, into: &bytes, at: 1)
    return Array(packet.dropFirst())
  }
}
