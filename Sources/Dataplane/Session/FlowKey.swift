/// A 5-tuple in the form the flow table stores: normalised, so that both directions give one key.
///
/// One endpoint is the low one, by an order of our own: IPv4 compares what the packet has, unswapped. LIFs
/// and VLAN are not part of the key: they are compared, not hashed, so that a wildcard LIF finds its packets
/// (docs/decisions/0005).
package struct FlowKey: BitwiseCopyable {
  /// IPv4: low endpoint's address in bits 31...0, high endpoint's above, each in network byte order as the
  /// packet has it. IPv6: a keyed digest of both addresses; the addresses themselves are in `addresses6`.
  package var addresses: UInt64
  /// The rest in one word, so that it is compared at once: ports in bits 31...0, kind in 39...32, the state
  /// that an ordinary packet asks of its session in 47...40, nothing in 55...48. Bits 63...56 tell the side:
  /// 0x01 for the low endpoint, its complement for the high one, so that bits 57 and 56 are where
  /// `SessionFlags` says of each side that it has acknowledged, bit 58 where it says who the initiator is.
  private(set) var rest: UInt64
  package var hash: FlowHash

  @inline(__always)
  package init(addresses: UInt64, ports: UInt32, kind: FlowKind, side: UInt8, hash: FlowHash) {
    self.addresses = addresses
    rest =
      (Self.word(ports: ports, kind: kind) | Self.stateMask) ^ (0 &- UInt64(side & 1)) << 56
    self.hash = hash
  }

  /// Low endpoint's port in bits 15...0, high endpoint's above, each in network byte order.
  @inline(__always) package var ports: UInt32 { UInt32(truncatingIfNeeded: rest) }
  @inline(__always) package var kind: FlowKind {
    FlowKind(rawValue: UInt8(truncatingIfNeeded: rest >> 32))
  }
  /// 0 when the packet travels from the low endpoint to the high one, else 1.
  @inline(__always) package var side: UInt8 { UInt8(truncatingIfNeeded: rest >> 63) }

  /// The key of a packet that travels the other way.
  package var reversed: FlowKey {
    var key = self
    key.rest ^= 0xFF << 56
    return key
  }

  /// Whether `FlowFastPath` may take the packet: it then wants the session established. The others ask for a
  /// state that there is not.
  @inline(__always) var isOrdinary: Bool {
    get { rest & Self.stateMask == Self.established }
    set { rest = rest & ~Self.stateMask | (newValue ? Self.established : Self.stateMask) }
  }

  /// `rest` of an ordinary packet from the low side; what is hashed beside the addresses.
  @inline(__always) static func word(ports: UInt32, kind: FlowKind) -> UInt64 {
    UInt64(ports) | UInt64(kind.rawValue) << 32 | established | lowSide
  }

  private static var lowSide: UInt64 { 1 << 56 }
  private static var stateMask: UInt64 { 0xFF << 40 }
  private static var established: UInt64 { UInt64(TrackState.established.rawValue) << 40 }
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

  /// Of IPv4: `tcp4` when all bits of the mask are set, `udp4` when none is.
  @inline(__always) package static func transport4(tcpMask: UInt8) -> FlowKind {
    FlowKind(rawValue: udp4.rawValue | tcpMask & (tcp4.rawValue ^ udp4.rawValue))
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
  /// The key of an IPv4 packet, of the words as they stand in it, loaded in this machine's byte order.
  ///
  /// - Parameters:
  ///   - addresses: the source address in bits 31...0, the destination above.
  ///   - ports: the source port in bits 15...0, the destination above.
  @inline(__always)
  package init(networkAddresses addresses: UInt64, ports: UInt32, kind: FlowKind, secret: FlowSecret) {
    let swappedAddresses = addresses << 32 | addresses >> 32
    let swappedPorts = ports << 16 | ports >> 16
    // One number of both: a comparison and a subtraction with its carry, no branch.
    let isSwapped =
      UInt128(_low: UInt64(ports), _high: addresses)
      > UInt128(_low: UInt64(swappedPorts), _high: swappedAddresses)
    let low = isSwapped ? swappedAddresses : addresses
    let lowPorts = isSwapped ? swappedPorts : ports
    self.init(
      addresses: low, ports: lowPorts, kind: kind, side: isSwapped ? 1 : 0,
      hash: secret.hash(addresses: low, ports: lowPorts, kind: kind))
  }

  /// The key of an IPv4 packet. Addresses and ports are host-order values.
  @inline(__always)
  package init(
    source: UInt32, sourcePort: UInt16, destination: UInt32, destinationPort: UInt16, kind: FlowKind,
    secret: FlowSecret
  ) {
    self.init(
      networkAddresses: UInt64(destination.bigEndian) << 32 | UInt64(source.bigEndian),
      ports: Self.joined(sourcePort, destinationPort), kind: kind, secret: secret)
  }

  /// Two host-order ports in the form of `ports`.
  @inline(__always) private static func joined(_ low: UInt16, _ high: UInt16) -> UInt32 {
    UInt32(high.bigEndian) << 16 | UInt32(low.bigEndian)
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
    let digest = secret.digest(addresses6)
    let ports = Self.joined(lowPort, highPort)
    self.init(
      addresses: digest, ports: ports, kind: kind, side: isSwapped ? 1 : 0,
      hash: secret.hash(addresses: digest, ports: ports, kind: kind))
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
