/// How a packet starts on its link. Values are ours; the capture reader maps LINKTYPE_ numbers to them.
public enum LinkType: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// Ethernet II / 802.3 without FCS. LINKTYPE_ETHERNET (1).
  case ethernet
  /// IPv4 or IPv6 with nothing before it. LINKTYPE_RAW (101), LINKTYPE_IPV4 (228), LINKTYPE_IPV6 (229).
  case rawIP
  /// Linux cooked capture v1, 16 bytes. LINKTYPE_LINUX_SLL (113).
  case linuxCooked
  /// Linux cooked capture v2, 20 bytes. LINKTYPE_LINUX_SLL2 (276).
  case linuxCooked2
  /// BSD loopback, 4-byte family in the capturing host's byte order. LINKTYPE_NULL (0).
  case bsdNull
  /// OpenBSD loopback, 4-byte family in network byte order. LINKTYPE_LOOP (108).
  case bsdLoop
  /// Any other link: its packets cannot be sessions.
  case other
}
