/// An address that a routed port owns, with the network that it is in.
public struct InterfaceAddress: Hashable, Sendable, BitwiseCopyable {
  public let address: IPAddress
  /// The addresses that are reached by the port without a router.
  public let network: IPPrefix

  /// - Parameter length: of the network's prefix.
  /// - Returns: nil for a length out of the family's range.
  public init?(_ address: IPAddress, length: Int) {
    guard let network = IPPrefix(address, length: length) else { return nil }
    self.address = address
    self.network = network
  }
}

/// A static route: packets to a prefix go to a router.
public struct Route: Hashable, Sendable, BitwiseCopyable {
  public var prefix: IPPrefix
  /// The router, of the prefix's family, in a network of the port or link-local.
  public var nextHop: IPAddress
  /// LIF number of the routed port by which it is reached.
  public var lif: UInt16

  public init(prefix: IPPrefix, nextHop: IPAddress, lif: UInt16) {
    self.prefix = prefix
    self.nextHop = nextHop
    self.lif = lif
  }
}

extension IPAddress {
  /// fe80::/10. RFC 4291 §2.5.6.
  package var isLinkLocal: Bool { family == .ipv6 && high >> 54 == 0x3FA }
  /// 224.0.0.0/4 or ff00::/8.
  package var isMulticast: Bool { family == .ipv4 ? low >> 28 == 14 : high >> 56 == 0xFF }
  /// 0.0.0.0 or ::.
  package var isUnspecified: Bool { high == 0 && low == 0 }
  /// 0.0.0.0/8 or ::. RFC 1122 §3.2.1.3.
  package var isOfThisNetwork: Bool { family == .ipv4 ? low >> 24 == 0 : isUnspecified }
  /// 169.254.0.0/16. RFC 3927.
  package var isAutoconfigured: Bool { family == .ipv4 && low >> 16 == 0xA9FE }
  /// 127.0.0.0/8 or ::1. RFC 1122 §3.2.1.3.
  package var isLoopback: Bool { family == .ipv4 ? low >> 24 == 127 : high == 0 && low == 1 }
  /// Class E and 255.255.255.255. RFC 1112 §4.
  package var isReserved: Bool { family == .ipv4 && low >> 28 == 15 }
  /// Whether it may be a packet's source on its way through a router. RFC 1812 §5.3.7.
  package var isStation: Bool { !isMulticast && !isOfThisNetwork && !isLoopback && !isReserved }

  /// fe80:: with the modified EUI-64 of `mac`. RFC 4291 §2.5.1 and appendix A.
  package init(linkLocalOf mac: MACAddress) {
    let oui = (mac.value >> 24 ^ 0x02_0000) << 40
    self.init(ipv6High: 0xFE80 << 48, low: oui | 0xFF_FE00_0000 | mac.value & 0xFF_FFFF)
  }

  /// ff02::1:ffXX:XXXX, where solicitations for this address go. RFC 4291 §2.7.1.
  package var solicitedNode: IPAddress {
    IPAddress(ipv6High: 0xFF02 << 48, low: 0x1_FF00_0000 | low & 0xFF_FFFF)
  }
  /// ff02::1.
  package static var allNodes: IPAddress { IPAddress(ipv6High: 0xFF02 << 48, low: 1) }
}

extension MACAddress {
  package static var broadcast: MACAddress { MACAddress(0xFFFF_FFFF_FFFF) }
  /// Whether the low bit of the first octet is set: multicast or broadcast. IEEE 802 §8.2.
  package var isGroupAddress: Bool { value >> 40 & 1 == 1 }

  /// 33:33 and the low 32 bits of an IPv6 multicast address. RFC 2464 §7.
  package init(multicast address: IPAddress) { self.init(0x3333 << 32 | address.low & 0xFFFF_FFFF) }
}
