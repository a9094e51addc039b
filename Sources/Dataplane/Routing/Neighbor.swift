/// A static neighbour: where copies for a next hop go. On a routed port nobody has to ask for it.
public struct Neighbor: Hashable, Sendable {
  public var address: IPAddress
  public var mac: MACAddress
  /// The LIF, and VLAN on it, behind which the neighbour is; never a wildcard.
  public var lif: LIF

  public init(address: IPAddress, mac: MACAddress, lif: LIF) {
    self.address = address
    self.mac = mac
    self.lif = lif
  }
}

/// How MIRROR and SNOOP copies travel to the next hop.
public enum CopyEncapsulation: Hashable, Sendable {
  /// The copy keeps its network packet; only its Ethernet header is written anew.
  case ethernet
  /// The whole frame inside GRE (protocol 0x6558, RFC 1701/2784) from `source` of the next hop's family.
  case gre(sourceIPv4: IPAddress?, sourceIPv6: IPAddress?)
}
