/// A 5-tuple in the form the flow table stores: normalised, so that both directions give one key.
///
/// The endpoint with the smaller (address, port) is the low one. LIFs and VLAN are not part of the key:
/// they are compared, not hashed, so that a wildcard LIF finds its packets (docs/decisions/0005).
package struct FlowKey: BitwiseCopyable {
  /// IPv4: low endpoint's address in bits 63...32, high endpoint's below.
  /// IPv6: a keyed digest of both addresses; the addresses themselves are in `addresses6`.
  package var addresses: UInt64
  /// Low endpoint's port in bits 31...16, high endpoint's below.
  package var ports: UInt32
  package var kind: FlowKind
  /// 0 when the packet travels from the low endpoint to the high one, else 1.
  package var side: UInt8
  package var hash: FlowHash
}

/// Family and transport of a flow in one byte, as the record stores it. Never 0 for a flow.
package struct FlowKind: Hashable, BitwiseCopyable, Sendable {
  package let rawValue: UInt8
  @inline(__always) package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let none = FlowKind(rawValue: 0)
  package static let udp4 = FlowKind(rawValue: 1)
  package static let tcp4 = FlowKind(rawValue: 3)
  package static let udp6 = FlowKind(rawValue: 5)
  package static let tcp6 = FlowKind(rawValue: 7)

  @inline(__always) package var isTCP: Bool { rawValue & 2 != 0 }
  @inline(__always) package var isIPv6: Bool { rawValue & 4 != 0 }

  @inline(__always) package init(isTCP: Bool, isIPv6: Bool) {
    rawValue = 1 | (isTCP ? 2 : 0) | (isIPv6 ? 4 : 0)
  }
}

/// Both addresses of an IPv6 flow, low endpoint first, each as two host-order words.
package struct FlowAddresses6: Equatable, BitwiseCopyable {
  package var lowHigh: UInt64 = 0
  package var lowLow: UInt64 = 0
  package var highHigh: UInt64 = 0
  package var highLow: UInt64 = 0

  package init() {}

  @inline(__always)
  package init(lowHigh: UInt64, lowLow: UInt64, highHigh: UInt64, highLow: UInt64) {
    self.lowHigh = lowHigh
    self.lowLow = lowLow
    self.highHigh = highHigh
    self.highLow = highLow
  }

  @inline(__always) package static func == (left: Self, right: Self) -> Bool {
    (left.lowHigh ^ right.lowHigh) | (left.lowLow ^ right.lowLow)
      | (left.highHigh ^ right.highHigh) | (left.highLow ^ right.highLow) == 0
  }
}

extension FlowKey {
  /// The key of an IPv4 packet. Addresses and ports are host-order values.
  @inline(__always)
  package init(
    source: UInt32, sourcePort: UInt16, destination: UInt32, destinationPort: UInt16, kind: FlowKind,
    secret: FlowSecret
  ) {
    let from = UInt64(source) << 16 | UInt64(sourcePort)
    let to = UInt64(destination) << 16 | UInt64(destinationPort)
    let low = min(from, to)
    let high = max(from, to)
    addresses = (low >> 16) << 32 | high >> 16
    ports = UInt32(truncatingIfNeeded: low & 0xFFFF) << 16 | UInt32(truncatingIfNeeded: high & 0xFFFF)
    self.kind = kind
    side = from > to ? 1 : 0
    hash = secret.hash(addresses: addresses, ports: ports, kind: kind)
  }

  /// The key of an IPv6 packet; `addresses6` receives the addresses in key order.
  @inline(__always)
  package init(
    source: IPAddress, sourcePort: UInt16, destination: IPAddress, destinationPort: UInt16, kind: FlowKind,
    secret: FlowSecret, addresses6: inout FlowAddresses6
  ) {
    let isSwapped = Self.isGreater(source, sourcePort, than: destination, destinationPort)
    let low = isSwapped ? destination : source
    let high = isSwapped ? source : destination
    let lowPort = isSwapped ? destinationPort : sourcePort
    let highPort = isSwapped ? sourcePort : destinationPort
    addresses6 = FlowAddresses6(lowHigh: low.high, lowLow: low.low, highHigh: high.high, highLow: high.low)
    addresses = secret.digest(addresses6)
    ports = UInt32(lowPort) << 16 | UInt32(highPort)
    self.kind = kind
    side = isSwapped ? 1 : 0
    hash = secret.hash(addresses: addresses, ports: ports, kind: kind)
  }

  /// The key of a request's tuple, of either family; `side` tells the initiator's direction.
  package init(_ tuple: FiveTuple, secret: FlowSecret, addresses6: inout FlowAddresses6) {
    let kind = FlowKind(isTCP: tuple.transport == .tcp, isIPv6: tuple.source.family == .ipv6)
    if kind.isIPv6 {
      self.init(
        source: tuple.source, sourcePort: tuple.sourcePort, destination: tuple.destination,
        destinationPort: tuple.destinationPort, kind: kind, secret: secret, addresses6: &addresses6)
    } else {
      self.init(
        source: tuple.source.ipv4Value, sourcePort: tuple.sourcePort,
        destination: tuple.destination.ipv4Value, destinationPort: tuple.destinationPort, kind: kind,
        secret: secret)
    }
  }

  @inline(__always)
  private static func isGreater(
    _ left: IPAddress, _ leftPort: UInt16, than right: IPAddress, _ rightPort: UInt16
  ) -> Bool {
    if left.high != right.high { return left.high > right.high }
    if left.low != right.low { return left.low > right.low }
    return leftPort > rightPort
  }
}
