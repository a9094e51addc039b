/// EtherType numbers that the packet path tells apart. IEEE 802 Numbers (IANA).
public enum EtherType {
  public static let ipv4: UInt16 = 0x0800
  public static let arp: UInt16 = 0x0806
  /// 802.1Q customer tag.
  public static let vlan: UInt16 = 0x8100
  /// 802.1ad service tag.
  public static let serviceVLAN: UInt16 = 0x88A8
  /// The service tag of equipment older than 802.1ad.
  public static let oldServiceVLAN: UInt16 = 0x9100
  public static let ipv6: UInt16 = 0x86DD
  /// Ethernet frames inside GRE. RFC 1701, RFC 7637 §3.2.
  public static let transparentEthernetBridging: UInt16 = 0x6558

  /// The smallest EtherType; below it the field is an 802.3 length or undefined. IEEE 802.3 §3.2.6.
  public static let minimum: UInt16 = 0x0600
}
