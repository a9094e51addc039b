import Dataplane
import PacketIO

/// Fragments as a sender or an attacker makes them.
extension Build {
  /// A datagram's transport header and payload.
  static func segment(_ tuple: FiveTuple, payload: Int, flags: TCPFlags = .ack) -> [UInt8] {
    let isV4 = tuple.source.family == .ipv4
    let whole = tuple.transport == .tcp ? tcp(tuple, flags, payload: payload) : udp(tuple, payload: payload)
    return Array(whole.dropFirst(14 + (isV4 ? 20 : 40)))
  }

  /// One fragment: `bytes` at `offset` of its datagram.
  static func fragment(
    _ source: IPAddress, _ destination: IPAddress, _ number: UInt8, _ bytes: [UInt8], at offset: Int,
    more: Bool, id: UInt32 = 77, vlans: [UInt16] = []
  ) -> [UInt8] {
    guard source.family == .ipv6 else {
      let ip = header(20) {
        IPv4Header.write(
          source: source, destination: destination, protocolNumber: number, totalLength: 20 + bytes.count,
          identification: UInt16(id), moreFragments: more, fragmentOffset: offset, into: &$0, at: 0)
      }
      return ethernet(0x0800, vlans: vlans, ip + bytes)
    }
    let word = UInt16(offset) | (more ? 1 : 0)
    let field = [number, 0, UInt8(word >> 8), UInt8(word & 255)]
    let identification = (0..<4).map { UInt8(truncatingIfNeeded: id >> (24 - 8 * UInt32($0))) }
    return ethernet(0x86DD, vlans: vlans, ip(source, destination, 44, field + identification + bytes))
  }

  /// Part `range` of a datagram of `tuple`.
  static func fragment(
    _ tuple: FiveTuple, _ segment: [UInt8], _ range: Range<Int>, more: Bool? = nil, id: UInt32 = 77,
    vlans: [UInt16] = []
  ) -> [UInt8] {
    fragment(
      tuple.source, tuple.destination, tuple.transport == .tcp ? 6 : 17, Array(segment[range]),
      at: range.lowerBound, more: more ?? (range.upperBound < segment.count), id: id, vlans: vlans)
  }

  /// A whole datagram in fragments of `size` bytes, a multiple of 8.
  static func fragments(
    _ tuple: FiveTuple, payload: Int, size: Int, id: UInt32 = 77, flags: TCPFlags = .ack, vlans: [UInt16] = []
  ) -> [[UInt8]] {
    let segment = segment(tuple, payload: payload, flags: flags)
    return stride(from: 0, to: segment.count, by: size).map {
      fragment(tuple, segment, $0..<min($0 + size, segment.count), id: id, vlans: vlans)
    }
  }

  /// An ICMP error of `type` from `sender` about `packet`, an Ethernet frame without tags, of which `quoted`
  /// bytes are quoted.
  static func icmpError(
    _ type: UInt8, about packet: [UInt8], quoted: Int = .max, from sender: IPAddress? = nil,
    to receiver: IPAddress? = nil, vlans: [UInt16] = []
  ) -> [UInt8] {
    let isV4 = packet[12] == 8
    let quote = Array(packet.dropFirst(14).prefix(quoted))
    let message = [type, 0, 0, 0, 0, 0, 0, 0] + quote
    let router = isV4 ? IPAddress(ipv4: 0x0A00_00FE) : IPAddress(ipv6High: 0x2001_0DB8_0000_0000, low: 0xFE)
    return ethernet(
      isV4 ? 0x0800 : 0x86DD, vlans: vlans,
      ip(sender ?? router, receiver ?? (isV4 ? client : client6), isV4 ? 1 : 58, message))
  }
}
