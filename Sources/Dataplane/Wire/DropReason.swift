/// Why a packet was not passed on. Each case is one counter.
///
/// The first group names malformed packets and is thrown by the views and ``Frame``; a packet that was
/// merely cut by a capture's snap length is never one of them. The second group is the worker's.
public enum DropReason: UInt8, Error, CaseIterable, Sendable, BitwiseCopyable {
  /// Shorter than an Ethernet header. IEEE 802.3.
  case truncatedEthernet
  /// Ends inside a VLAN tag. IEEE 802.1Q.
  case truncatedVLANTag
  /// More VLAN tags than ``VLANTag/maximumCount``.
  case tooManyVLANTags
  /// Shorter than the link's cooked or loopback header.
  case truncatedLinkHeader
  /// Raw IP packet without a single byte.
  case truncatedIP
  /// Raw IP packet whose version is neither 4 nor 6.
  case badIPVersion

  /// Shorter than an IPv4 header. RFC 791 §3.1.
  case truncatedIPv4
  /// Announced as IPv4, but its version field is not 4. RFC 791 §3.1.
  case badIPv4Version
  /// IHL below 5, or longer than the packet. RFC 791 §3.1.
  case badIPv4HeaderLength
  /// Total length below the header length, or longer than the packet. RFC 791 §3.1.
  case badIPv4TotalLength
  /// A fragment whose datagram would be longer than 65,535 bytes. RFC 791 §3.1, RFC 8200 §4.5.
  case badFragmentOffset
  /// A fragment of 0 bytes, or one that is not the last and no multiple of 8 bytes long. RFC 791 §3.2,
  /// RFC 8200 §4.5.
  case badFragmentLength
  /// First fragment without the whole upper layer header, or without the whole chain of headers before it.
  /// RFC 1858 §3, RFC 7112.
  case firstFragmentTooShort
  /// A later fragment of TCP that begins before byte 20: inside the TCP header. RFC 1858 §4, RFC 3128.
  case fragmentInsideHeader

  /// Shorter than an IPv6 header. RFC 8200 §3.
  case truncatedIPv6
  /// Announced as IPv6, but its version field is not 6. RFC 8200 §3.
  case badIPv6Version
  /// Payload length beyond the packet, or 0 before a hop-by-hop header without jumbo option.
  /// RFC 8200 §3, RFC 2675.
  case badIPv6PayloadLength
  /// An extension header runs beyond the packet. RFC 8200 §4.
  case truncatedIPv6ExtensionHeader
  /// A hop-by-hop options header that is not the first. RFC 8200 §4.1.
  case misplacedHopByHopOptions
  /// More extension headers than ``IPv6ExtensionHeaders/maximumCount``.
  case tooManyIPv6ExtensionHeaders
  /// Authentication header shorter than 12 bytes, or longer than the packet. RFC 4302 §2.2.
  case badAHLength

  /// Shorter than a TCP header. RFC 9293 §3.1.
  case truncatedTCP
  /// TCP data offset below 5, or beyond the segment. RFC 9293 §3.1.
  case badTCPDataOffset
  /// Shorter than a UDP header. RFC 768.
  case truncatedUDP
  /// UDP length below 8, or longer than the IP payload. RFC 768.
  case badUDPLength
  /// Shorter than an ICMP message. RFC 792.
  case truncatedICMP
  /// Shorter than an ICMPv6 header. RFC 4443 §2.1.
  case truncatedICMPv6
  /// Shorter than SPI and sequence number. RFC 4303 §2.
  case truncatedESP
  /// Shorter than the addresses it announces. RFC 826.
  case truncatedARP
  /// Address lengths that do not belong to the announced Ethernet or IPv4 addresses. RFC 826.
  case badARP

  /// The session's action is DROP.
  case sessionDrop
  /// No session, and the port's miss policy is drop.
  case missDrop
  /// Cannot be a session, and the port's non-session policy is drop.
  case nonSessionDrop
  /// The ring to the worker that owns the session was full.
  case handoffRingFull
  /// The packet pool had no buffer left.
  case noBuffer
  /// The outgoing queue did not accept the packet.
  case transmitFailed
  /// Longer than a buffer or the outgoing port's MTU.
  case oversized

  /// The fragment contradicts another one of its datagram: it overlaps with it, or disagrees about the end;
  /// or its datagram has such a pair. RFC 5722, RFC 8200 §4.5.
  case fragmentOverlap
  /// All bytes of the fragment were in fragments before it. RFC 8200 §4.5.
  case fragmentDuplicate
  /// The fragment waited for its datagram's first one, which did not come in time.
  case fragmentTimeout
  /// The fragment waited for its datagram's first one, and had to make room for newer ones.
  case fragmentEvicted
  /// The fragment's datagram has more of them waiting, or more gaps, than are kept for one.
  case tooManyFragments
  /// The fragment waited for its datagram's first one when the run ended.
  case fragmentUnresolved

  /// The port's receive ring was full; the kernel counted the packet, and nobody saw its bytes.
  case receiveRingFull
  /// The sender left work to the device that the port cannot do in its place: the segmentation of another
  /// protocol than TCP and UDP or of malformed headers, or a checksum that is not the Internet's or lies
  /// outside the packet.
  case unsupportedOffload
  /// The outgoing port's link is down, or its interface is gone.
  case portDown

  /// The IPv4 header checksum is wrong. RFC 1812 §5.2.2. Routed ports only, as all below.
  case badIPv4Checksum
  /// The Ethernet destination is another station's, or a group's for a single address. RFC 1812 §5.3.4.
  case otherDestinationMAC
  /// A VLAN tag on a routed port.
  case taggedOnRoutedPort
  /// No router forwards it: neither IP nor ARP, link-local, or cut. RFC 4291 §2.5.6.
  case notRoutable
  /// A source address that no single station has. RFC 1812 §5.3.7.
  case martianSource
  /// To a multicast or broadcast address. RFC 1812 §5.3.5.
  case multicastNotRouted
  /// The time to live or hop limit is used up. RFC 1812 §5.3.1, RFC 8200 §3.
  case timeExceeded
  /// The route table has no way to the destination.
  case noRoute
  /// The next hop did not answer ARP or neighbor discovery.
  case neighborUnresolved
  /// Too many packets wait for the next hop, or for all of them.
  case neighborQueueFull
  /// Too many neighbours are being resolved or in use.
  case neighborTableFull
  /// Longer than the MTU of its way out, and not to be fragmented. RFC 1191, RFC 8200 §5.
  case packetTooBig
  /// To one of our own addresses, with a wrong ICMP checksum.
  case badICMPChecksum
  /// A neighbor solicitation or advertisement that RFC 4861 §7.1 has discarded.
  case badNeighborMessage
  /// To one of our own addresses, where nobody takes it.
  case noService
}
