import Dataplane

/// Builds packets with the product's own writers, as arrays that tests can cut and spoil.
enum Packets {
  static let source4 = IPAddress(ipv4: 0x0A00_0001)
  static let destination4 = IPAddress(ipv4: 0x0A00_0002)
  static let source6 = IPAddress(ipv6High: 0x2001_0DB8_0000_0000, low: 1)
  static let destination6 = IPAddress(ipv6High: 0x2001_0DB8_0000_0000, low: 2)

  static func header(_ size: Int, _ write: (inout MutableRawSpan) -> Void) -> [UInt8] {
    var packet = [UInt8](repeating: 0xEE, count: size)
    var span = packet.mutableSpan
    var bytes = span.mutableBytes
    write(&bytes)
    return packet
  }

  static func ethernet(_ etherType: UInt16, _ payload: [UInt8] = []) -> [UInt8] {
    header(EthernetHeader.size) {
      EthernetHeader.write(
        destination: MACAddress(0x0200_0000_0002), source: MACAddress(0x0200_0000_0001), etherType: etherType,
        into: &$0)
    } + payload
  }

  static func tag(_ identifier: UInt16, _ typeOrLength: UInt16, _ payload: [UInt8] = []) -> [UInt8] {
    header(VLANTag.size) {
      VLANTag.write(identifier: identifier, typeOrLength: typeOrLength, into: &$0, at: 0)
    } + payload
  }

  static func ipv4(
    _ number: UInt8, _ payload: [UInt8] = [], moreFragments: Bool = false, fragmentOffset: Int = 0
  ) -> [UInt8] {
    header(IPv4Header.size) {
      IPv4Header.write(
        source: source4, destination: destination4, protocolNumber: number,
        totalLength: IPv4Header.size + payload.count, identification: 7, moreFragments: moreFragments,
        fragmentOffset: fragmentOffset, into: &$0, at: 0)
    } + payload
  }

  static func ipv6(_ nextHeader: UInt8, _ payload: [UInt8] = [], payloadLength: Int? = nil) -> [UInt8] {
    header(IPv6Header.size) {
      IPv6Header.write(
        source: source6, destination: destination6, nextHeader: nextHeader,
        payloadLength: payloadLength ?? payload.count, into: &$0, at: 0)
    } + payload
  }

  static func tcp(_ payload: [UInt8] = [], flags: TCPFlags = .syn) -> [UInt8] {
    header(TCPHeader.size) {
      TCPHeader.write(
        sourcePort: 1234, destinationPort: 80, sequence: 1, acknowledgment: 2, flags: flags, window: 64240,
        into: &$0, at: 0)
    } + payload
  }

  static func udp(_ payload: [UInt8] = [], port: UInt16 = 53) -> [UInt8] {
    header(UDPHeader.size) {
      UDPHeader.write(
        sourcePort: 1234, destinationPort: port, length: UDPHeader.size + payload.count, into: &$0, at: 0)
    } + payload
  }

  static func echo(_ family: IPAddress.Family, isReply: Bool = false) -> [UInt8] {
    header(ICMPHeader.size) {
      ICMPHeader.writeEcho(family: family, isReply: isReply, identifier: 5, sequence: 6, into: &$0, at: 0)
    }
  }

  static func arp(_ operation: UInt16 = 1) -> [UInt8] {
    header(ARPPacket.ipv4OverEthernetSize) {
      ARPPacket.write(
        operation: operation, senderMAC: MACAddress(0x0200_0000_0001), sender: source4,
        targetMAC: MACAddress(0), target: destination4, into: &$0, at: 0)
    }
  }

  /// A hop-by-hop, routing or destination options header of `units` 8-byte units, padded with Pad1.
  static func options(next: UInt8, units: Int = 1) -> [UInt8] {
    [next, UInt8(units - 1)] + [UInt8](repeating: 0, count: units * 8 - 2)
  }

  static func fragmentHeader(next: UInt8, offset: Int, more: Bool, id: UInt32 = 9) -> [UInt8] {
    let word = UInt16(offset) | (more ? 1 : 0)
    return [next, 0] + bigEndian(word) + bigEndian(id)
  }

  static func bigEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    stride(from: T.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> T($0)) }
  }

  /// Parses `packet` as the first `captured` bytes of itself.
  static func parse(
    _ packet: [UInt8], link: LinkType = .ethernet, captured: Int? = nil, original: Int? = nil
  ) throws(DropReason) -> Frame {
    let bytes = packet.span.bytes.extracting(first: captured ?? packet.count)
    return try Frame.parse(bytes, link: link, originalLength: UInt32(original ?? packet.count))
  }

  /// The reason why `packet` is malformed, nil if it is not.
  static func reason(_ packet: [UInt8], link: LinkType = .ethernet, original: Int? = nil) -> DropReason? {
    do throws(DropReason) {
      _ = try parse(packet, link: link, original: original)
      return nil
    } catch {
      return error
    }
  }
}

/// A seeded generator, so that a failure repeats. Steele, Lea and Flood 2014.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }
}
