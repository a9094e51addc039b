import Dataplane

/// Packets of a flow, built with the product's writers. Checksums are 0: nothing on the path verifies them.
enum PacketBytes {
  private static func header(_ size: Int, _ write: (inout MutableRawSpan) -> Void) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: size)
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    write(&raw)
    return bytes
  }

  static func reversed(_ tuple: FiveTuple) -> FiveTuple {
    FiveTuple(
      source: tuple.destination, sourcePort: tuple.destinationPort, destination: tuple.source,
      destinationPort: tuple.sourcePort, transport: tuple.transport)
  }

  /// Ethernet with a tag for each of `vlans`, outermost first.
  static func frame(_ etherType: UInt16, _ vlans: [UInt16], _ payload: [UInt8]) -> [UInt8] {
    var frame = header(14) {
      EthernetHeader.write(
        destination: MACAddress(0x0200_0000_0002), source: MACAddress(0x0200_0000_0001),
        etherType: vlans.isEmpty ? etherType : 0x8100, into: &$0)
    }
    for (index, vlan) in vlans.enumerated() {
      frame += header(4) {
        VLANTag.write(
          identifier: vlan, typeOrLength: index == vlans.count - 1 ? etherType : 0x8100, into: &$0, at: 0)
      }
    }
    return frame + payload
  }

  /// An IP packet between the tuple's addresses, in a frame.
  static func ip(_ tuple: FiveTuple, _ number: UInt8, _ payload: [UInt8], _ vlans: [UInt16]) -> [UInt8] {
    frame(tuple.source.family == .ipv4 ? 0x0800 : 0x86DD, vlans, packet(tuple, number, payload))
  }

  private static func packet(_ tuple: FiveTuple, _ number: UInt8, _ payload: [UInt8]) -> [UInt8] {
    if tuple.source.family == .ipv4 {
      return header(20) {
        IPv4Header.write(
          source: tuple.source, destination: tuple.destination, protocolNumber: number,
          totalLength: 20 + payload.count, into: &$0, at: 0)
      } + payload
    }
    return header(40) {
      IPv6Header.write(
        source: tuple.source, destination: tuple.destination, nextHeader: number,
        payloadLength: payload.count, into: &$0, at: 0)
    } + payload
  }

  private static func number(_ tuple: FiveTuple) -> UInt8 { tuple.transport == .tcp ? 6 : 17 }

  /// A TCP segment or, without its numbers, a UDP datagram.
  private static func segment(
    _ tuple: FiveTuple, _ flags: TCPFlags, _ sequence: UInt32, _ acknowledgment: UInt32, payload: Int
  ) -> [UInt8] {
    let start =
      tuple.transport == .tcp
      ? header(20) {
        TCPHeader.write(
          sourcePort: tuple.sourcePort, destinationPort: tuple.destinationPort, sequence: sequence,
          acknowledgment: acknowledgment, flags: flags, window: 8192, into: &$0, at: 0)
      }
      : header(8) {
        UDPHeader.write(
          sourcePort: tuple.sourcePort, destinationPort: tuple.destinationPort, length: 8 + payload,
          into: &$0, at: 0)
      }
    return start + [UInt8](repeating: 0x77, count: payload)
  }

  static func transport(
    _ tuple: FiveTuple, _ flags: TCPFlags, _ sequence: UInt32, _ acknowledgment: UInt32, payload: Int,
    _ vlans: [UInt16]
  ) -> [UInt8] {
    let segment = segment(tuple, flags, sequence, acknowledgment, payload: payload)
    return ip(tuple, number(tuple), segment, vlans)
  }

  static func echo(_ tuple: FiveTuple, _ vlans: [UInt16]) -> [UInt8] {
    let isIPv4 = tuple.source.family == .ipv4
    return ip(tuple, isIPv4 ? 1 : 58, [isIPv4 ? 8 : 128, 0, 0, 0, 0, 1, 0, 2, 3, 4], vlans)
  }

  /// Port unreachable, from the destination of a packet that it quotes. RFC 792, RFC 4443 §3.1.
  static func unreachable(_ tuple: FiveTuple, _ vlans: [UInt16]) -> [UInt8] {
    let isIPv4 = tuple.source.family == .ipv4
    let quoted = packet(tuple, number(tuple), segment(tuple, [.ack], 1, 1, payload: 8))
    let message: [UInt8] = [isIPv4 ? 3 : 1, isIPv4 ? 3 : 4, 0, 0, 0, 0, 0, 0]
    return ip(reversed(tuple), isIPv4 ? 1 : 58, message + quoted, vlans)
  }

  /// Part 0, 1 or 2 of a datagram in three fragments of 40, 40 and 20 bytes. RFC 791 §3.1, RFC 8200 §4.5.
  static func fragment(
    _ tuple: FiveTuple, part: Int, identification: UInt16, _ vlans: [UInt16]
  ) -> [UInt8] {
    let whole = segment(tuple, [.ack], 9, 9, payload: tuple.transport == .tcp ? 80 : 92)
    let piece = Array(whole[part * 40..<min(part * 40 + 40, whole.count)])
    guard tuple.source.family == .ipv4 else {
      let field = UInt16(part * 40) | (part < 2 ? 1 : 0)
      let extension6: [UInt8] = [
        number(tuple), 0, UInt8(field >> 8), UInt8(field & 0xFF), 0, 0, 0, UInt8(identification),
      ]
      return ip(tuple, 44, extension6 + piece, vlans)
    }
    let start = header(20) {
      IPv4Header.write(
        source: tuple.source, destination: tuple.destination, protocolNumber: number(tuple),
        totalLength: 20 + piece.count, identification: identification, moreFragments: part < 2,
        fragmentOffset: part * 40, into: &$0, at: 0)
    }
    return frame(0x0800, vlans, start + piece)
  }
}
