extension DropReason: CustomStringConvertible {
  /// The case name, as JSON keys and metrics spell it.
  public var name: String {
    switch self {
    case .truncatedEthernet: "truncatedEthernet"
    case .truncatedVLANTag: "truncatedVLANTag"
    case .tooManyVLANTags: "tooManyVLANTags"
    case .truncatedLinkHeader: "truncatedLinkHeader"
    case .truncatedIP: "truncatedIP"
    case .badIPVersion: "badIPVersion"
    case .truncatedIPv4: "truncatedIPv4"
    case .badIPv4Version: "badIPv4Version"
    case .badIPv4HeaderLength: "badIPv4HeaderLength"
    case .badIPv4TotalLength: "badIPv4TotalLength"
    case .badFragmentOffset: "badFragmentOffset"
    case .firstFragmentTooShort: "firstFragmentTooShort"
    case .truncatedIPv6: "truncatedIPv6"
    case .badIPv6Version: "badIPv6Version"
    case .badIPv6PayloadLength: "badIPv6PayloadLength"
    case .truncatedIPv6ExtensionHeader: "truncatedIPv6ExtensionHeader"
    case .misplacedHopByHopOptions: "misplacedHopByHopOptions"
    case .tooManyIPv6ExtensionHeaders: "tooManyIPv6ExtensionHeaders"
    case .badAHLength: "badAHLength"
    case .truncatedTCP: "truncatedTCP"
    case .badTCPDataOffset: "badTCPDataOffset"
    case .truncatedUDP: "truncatedUDP"
    case .badUDPLength: "badUDPLength"
    case .truncatedICMP: "truncatedICMP"
    case .truncatedICMPv6: "truncatedICMPv6"
    case .truncatedESP: "truncatedESP"
    case .truncatedARP: "truncatedARP"
    case .badARP: "badARP"
    case .sessionDrop: "sessionDrop"
    case .missDrop: "missDrop"
    case .nonSessionDrop: "nonSessionDrop"
    case .handoffRingFull: "handoffRingFull"
    case .noBuffer: "noBuffer"
    case .transmitFailed: "transmitFailed"
    case .oversized: "oversized"
    }
  }

  /// The name, so that a reason prints as it is spelled everywhere else.
  public var description: String { name }

  /// One sentence for a person.
  public var sentence: String {
    switch self {
    case .truncatedEthernet: "The packet is shorter than an Ethernet header."
    case .truncatedVLANTag: "The packet ends inside a VLAN tag."
    case .tooManyVLANTags: "The packet carries more than \(VLANTag.maximumCount) VLAN tags."
    case .truncatedLinkHeader: "The packet is shorter than its cooked or loopback link header."
    case .truncatedIP: "The raw IP packet is empty."
    case .badIPVersion: "The raw IP packet's version is neither 4 nor 6."
    case .truncatedIPv4: "The packet is shorter than an IPv4 header."
    case .badIPv4Version: "The packet is announced as IPv4 but has another version."
    case .badIPv4HeaderLength: "The IPv4 header length is below 20 bytes or beyond the packet."
    case .badIPv4TotalLength: "The IPv4 total length is below the header length or beyond the packet."
    case .badFragmentOffset: "The fragment would end beyond the largest possible datagram."
    case .firstFragmentTooShort: "The first fragment of a TCP or UDP datagram carries less than 8 bytes."
    case .truncatedIPv6: "The packet is shorter than an IPv6 header."
    case .badIPv6Version: "The packet is announced as IPv6 but has another version."
    case .badIPv6PayloadLength:
      "The IPv6 payload length is beyond the packet, or 0 without a jumbo payload option."
    case .truncatedIPv6ExtensionHeader: "An IPv6 extension header runs beyond the packet."
    case .misplacedHopByHopOptions: "An IPv6 hop-by-hop options header is not the first extension header."
    case .tooManyIPv6ExtensionHeaders:
      "The packet carries more than \(IPv6ExtensionHeaders.maximumCount) IPv6 extension headers."
    case .badAHLength: "The authentication header is shorter than 12 bytes or runs beyond the packet."
    case .truncatedTCP: "The packet is shorter than a TCP header."
    case .badTCPDataOffset: "The TCP data offset is below 20 bytes or beyond the segment."
    case .truncatedUDP: "The packet is shorter than a UDP header."
    case .badUDPLength: "The UDP length is below 8 bytes or beyond the IP payload."
    case .truncatedICMP: "The packet is shorter than an ICMP message."
    case .truncatedICMPv6: "The packet is shorter than an ICMPv6 header."
    case .truncatedESP: "The packet is shorter than an ESP header."
    case .truncatedARP: "The packet is shorter than the ARP addresses it announces."
    case .badARP: "The ARP address lengths do not belong to the announced address types."
    case .sessionDrop: "The session's action is DROP."
    case .missDrop: "The packet has no session, and the port's miss policy is drop."
    case .nonSessionDrop: "The packet cannot be a session, and the port's non-session policy is drop."
    case .handoffRingFull: "The ring to the worker that owns the session was full."
    case .noBuffer: "The packet pool had no buffer left."
    case .transmitFailed: "The outgoing queue did not accept the packet."
    case .oversized: "The packet is longer than a buffer or the outgoing port's MTU."
    }
  }
}
