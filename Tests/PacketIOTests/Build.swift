import Dataplane
import PacketIO

/// Builds packets with the product's own writers.
enum Build {
  static let client = IPAddress(ipv4: 0x0A00_0001)
  static let server = IPAddress(ipv4: 0x0A00_0002)
  static let client6 = IPAddress(ipv6High: 0x2001_0DB8_0000_0000, low: 1)
  static let server6 = IPAddress(ipv6High: 0x2001_0DB8_0000_0000, low: 2)

  static func header(_ size: Int, _ write: (inout MutableRawSpan) -> Void) -> [UInt8] {
    var packet = [UInt8](repeating: 0, count: size)
    var span = packet.mutableSpan
    var bytes = span.mutableBytes
    write(&bytes)
    return packet
  }

  /// Ethernet from 02:..:01 to 02:..:02, with a tag for each of `vlans`, outermost first.
  static func ethernet(_ etherType: UInt16, vlans: [UInt16] = [], _ payload: [UInt8]) -> [UInt8] {
    var frame = header(14) {
      EthernetHeader.write(
        destination: MACAddress(0x0200_0000_0002), source: MACAddress(0x0200_0000_0001),
        etherType: vlans.isEmpty ? etherType : 0x8100, into: &$0)
    }
    for (index, vlan) in vlans.enumerated() {
      frame += header(4) {
        VLANTag.write(
          identifier: vlan, priority: 5, typeOrLength: index == vlans.count - 1 ? etherType : 0x8100,
          into: &$0,
          at: 0)
      }
    }
    return frame + payload
  }

  /// An IP packet of either family.
  static func ip(_ source: IPAddress, _ destination: IPAddress, _ number: UInt8, _ payload: [UInt8])
    -> [UInt8]
  {
    if source.family == .ipv4 {
      return header(20) {
        IPv4Header.write(
          source: source, destination: destination, protocolNumber: number, totalLength: 20 + payload.count,
          into: &$0, at: 0)
      } + payload
    }
    return header(40) {
      IPv6Header.write(
        source: source, destination: destination, nextHeader: number, payloadLength: payload.count, into: &$0,
        at: 0)
    } + payload
  }

  static func udp(_ tuple: FiveTuple, payload: Int = 10, vlans: [UInt16] = []) -> [UInt8] {
    let segment = header(8) {
      UDPHeader.write(
        sourcePort: tuple.sourcePort, destinationPort: tuple.destinationPort, length: 8 + payload, into: &$0,
        at: 0)
    }
    return frame(tuple, 17, segment + [UInt8](repeating: 0x55, count: payload), vlans)
  }

  static func tcp(
    _ tuple: FiveTuple, _ flags: TCPFlags, sequence: UInt32 = 1, acknowledgment: UInt32 = 1, payload: Int = 0,
    vlans: [UInt16] = []
  ) -> [UInt8] {
    let segment = header(20) {
      TCPHeader.write(
        sourcePort: tuple.sourcePort, destinationPort: tuple.destinationPort, sequence: sequence,
        acknowledgment: acknowledgment, flags: flags, window: 65_535, into: &$0, at: 0)
    }
    return frame(tuple, 6, segment + [UInt8](repeating: 0x66, count: payload), vlans)
  }

  private static func frame(_ tuple: FiveTuple, _ number: UInt8, _ segment: [UInt8], _ vlans: [UInt16])
    -> [UInt8]
  {
    ethernet(
      tuple.source.family == .ipv4 ? 0x0800 : 0x86DD, vlans: vlans,
      ip(tuple.source, tuple.destination, number, segment))
  }

  static func tuple(_ port: UInt16 = 1000, _ transport: SessionProtocol = .udp, isIPv6: Bool = false)
    -> FiveTuple
  {
    FiveTuple(
      source: isIPv6 ? client6 : client, sourcePort: port, destination: isIPv6 ? server6 : server,
      destinationPort: 80, transport: transport)
  }
}

extension FiveTuple {
  /// The same, as the responder sends it.
  var reversed: FiveTuple {
    FiveTuple(
      source: destination, sourcePort: destinationPort, destination: source, destinationPort: sourcePort,
      transport: transport)
  }
}

extension PacketTime {
  static func seconds(_ seconds: Double) -> PacketTime { PacketTime(nanoseconds: UInt64(seconds * 1e9)) }
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
