/// What the fragments of one datagram have in common: addresses in the direction of travel, identification,
/// protocol (RFC 791 §3.2; without it in IPv6, RFC 8200 §4.5), and the VLAN that they arrive on, so that a
/// datagram seen on two is two. Not the LIF: links that share a load may carry one fragment each.
package struct DatagramKey: BitwiseCopyable {
  /// Source in the low half, destination in the high one; IPv4 addresses as numbers.
  package var addresses: FlowAddresses6
  package var identification: UInt32
  package var vlan: UInt16
  /// 0 in IPv6: only the first fragment's next header counts.
  package var protocolNumber: UInt8
  package var isIPv6: Bool
  /// Of all but the VLAN.
  package var hash: FlowHash

  package init(
    source: IPAddress, destination: IPAddress, identification: UInt32, protocolNumber: UInt8, vlan: UInt16,
    secret: FlowSecret
  ) {
    isIPv6 = source.family == .ipv6
    addresses = FlowAddresses6(
      lowHigh: source.high, lowLow: source.low, highHigh: destination.high, highLow: destination.low)
    self.identification = identification
    self.protocolNumber = isIPv6 ? 0 : protocolNumber
    self.vlan = vlan
    hash = secret.hash(
      addresses: secret.digest(addresses), ports: identification,
      kind: FlowKind(rawValue: self.protocolNumber))
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.addresses == right.addresses && left.identification == right.identification
      && left.vlan == right.vlan && left.protocolNumber == right.protocolNumber && left.isIPv6 == right.isIPv6
  }
}

/// What the fragment cache has decided about a fragment: whose session it follows.
package struct FragmentFate: Equatable, BitwiseCopyable {
  package enum Kind: UInt8, BitwiseCopyable {
    /// Not a fragment, or one that the cache has not seen.
    case unknown
    /// A first fragment: it speaks for itself.
    case first
    /// A later fragment of TCP or UDP: its datagram's ports are known.
    case ports
    /// A later fragment of a datagram that cannot be a session.
    case withoutPorts
    /// It waited in vain.
    case drop
    /// No fragment: an SA's packet, handed to the worker that the SA belongs to.
    case association
  }

  package var kind: Kind
  /// Whether the datagram is TCP; meaningful with `ports`.
  package var isTCP = false
  /// Meaningful with `drop`.
  package var reason = DropReason.fragmentTimeout
  package var sourcePort: UInt16 = 0
  package var destinationPort: UInt16 = 0

  package init(_ kind: Kind) { self.kind = kind }

  package static func drop(_ reason: DropReason) -> FragmentFate {
    var fate = FragmentFate(.drop)
    fate.reason = reason
    return fate
  }

  package static func ports(source: UInt16, destination: UInt16, isTCP: Bool) -> FragmentFate {
    var fate = FragmentFate(.ports)
    fate.sourcePort = source
    fate.destinationPort = destination
    fate.isTCP = isTCP
    return fate
  }
}
