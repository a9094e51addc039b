import Dataplane
import Testing

/// Neighbor solicitations and advertisements. RFC 4861 §4.3, §4.4, §7.1.
@Suite("Neighbor messages")
struct NeighborMessageTests {
  private let mac = MACAddress(0x0200_0000_0009)

  private func bytes(_ message: NeighborMessage) -> [UInt8] {
    Packets.header(message.length) {
      message.write(source: Packets.source6, destination: Packets.destination6, into: &$0, at: 0)
    }
  }

  private func parsed(_ bytes: [UInt8]) -> NeighborMessage? {
    try? NeighborMessage(parsing: bytes.span.bytes)
  }

  private func message(isSolicitation: Bool, _ linkAddress: MACAddress?) -> [UInt8] {
    bytes(
      NeighborMessage(
        isSolicitation: isSolicitation, target: Packets.destination6, linkAddress: linkAddress))
  }

  @Test(arguments: [true, false]) func `what is written is read`(isSolicitation: Bool) throws {
    for linkAddress in [mac, nil] {
      let found = try #require(parsed(message(isSolicitation: isSolicitation, linkAddress)))
      #expect(found.isSolicitation == isSolicitation && found.target == Packets.destination6)
      #expect(found.linkAddress == linkAddress)
    }
    var advertisement = NeighborMessage(
      isSolicitation: false, target: Packets.destination6, linkAddress: mac)
    advertisement.isSolicited = true
    let found = try #require(parsed(bytes(advertisement)))
    #expect(found.isSolicited && !found.isOverride)
  }

  @Test(arguments: [true, false]) func `cut anywhere it is none, but where an option ends`(solicits: Bool) {
    let whole = message(isSolicitation: solicits, mac)
    for count in 0..<whole.count {
      let isWhole = count == NeighborMessage.size
      #expect((parsed(Array(whole.prefix(count))) != nil) == isWhole, "\(count) bytes")
    }
  }

  @Test func `options of no length, of too much, and unknown ones`() {
    let bare = message(isSolicitation: true, nil)
    #expect(parsed(bare + [1, 0, 2, 0, 0, 0, 0, 9]) == nil, "no length")
    #expect(parsed(bare + [1, 2, 2, 0, 0, 0, 0, 9]) == nil, "longer than the message")
    #expect(parsed(bare + [1, 255, 2, 0, 0, 0, 0, 9]) == nil, "as long as can be")
    // Passed over: another type, and one of the right type with an address of another kind of link.
    #expect(parsed(bare + [14, 1, 0, 0, 0, 0, 0, 0] + [1, 1, 2, 0, 0, 0, 0, 9])?.linkAddress == mac)
    #expect(parsed(bare + [1, 2] + [UInt8](repeating: 3, count: 14))?.linkAddress == nil)
    // The advertisement's option in a solicitation says nothing.
    #expect(parsed(bare + [2, 1, 2, 0, 0, 0, 0, 9])?.linkAddress == nil)
    let many = (0..<1000).flatMap { number -> [UInt8] in
      [1, 1, 2, 0, 0, 0, 0, UInt8(truncatingIfNeeded: number)]
    }
    #expect(parsed(bare + many)?.linkAddress == MACAddress(0x0200_0000_0000 | UInt64(UInt8(999 & 0xFF))))
  }

  @Test func `another code, another type and a multicast target are refused`() {
    let good = message(isSolicitation: false, mac)
    #expect(parsed(good) != nil)
    for (offset, value) in [(1, UInt8(1)), (0, 133), (8, 0xFF)] {
      var bad = good
      bad[offset] = value
      #expect(parsed(bad) == nil, "byte \(offset) is \(value)")
    }
  }
}
