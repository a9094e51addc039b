/// What one packet is and where its headers are: the result of the project's one demux.
///
/// A plain value of 16 bytes without pointers. The views that ``ipv4(in:)`` and its siblings give back need
/// the packet's bytes beside it.
public struct Frame: BitwiseCopyable, Sendable {
  /// What the packet is.
  public enum Kind: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    /// TCP with its ports: unfragmented, or a first fragment.
    case tcp
    /// UDP with its ports: unfragmented, or a first fragment. UDP-encapsulated ESP too.
    case udp
    case icmp
    case icmpv6
    case esp
    case arp
    /// Any other IP protocol.
    case otherIP
    /// Neither IP nor ARP: another EtherType, or an 802.3 frame.
    case otherEthernet
    /// An IP fragment whose offset is not 0: it has no ports.
    case laterFragment
    /// Cut by the capture before the ports or the protocol could be seen.
    case cutBeforePorts
    /// A link whose packets we do not read, or a loopback family that is not IP.
    case otherLink
  }

  public var kind: Kind
  /// 4, 6, or 0 when this is not IP.
  public var family: UInt8 = 0
  /// Bytes from the first byte to the IP header, or to what the EtherType announces.
  public var networkOffset: UInt16
  /// Bytes from the first byte to the upper layer header; 0 when there is none (later fragments, packets cut
  /// before it, not IP).
  public var transportOffset: UInt16 = 0
  /// VID of the outermost tag; 0 when untagged or priority-tagged.
  public var vlan: UInt16 = 0
  /// After the tags; 0 for 802.3 frames and unknown links. Raw and loopback IP have IP's own.
  public var etherType: UInt16
  /// The upper layer's protocol number; 0 when not IP. For a later IPv6 fragment its fragment header's next
  /// header.
  public var ipProtocol: UInt8 = 0
  /// The booleans below in the low five bits, the number of tags in the high three.
  var flags: UInt8 = 0
  /// Bytes from the upper layer header, or a later fragment's payload, to the end of the IP packet, by the
  /// headers' own lengths and not by what was captured. 0 when not IP.
  public var transportLength: UInt32 = 0

  @inline(__always)
  init(_ kind: Kind, networkOffset: Int, etherType: UInt16) {
    self.kind = kind
    self.networkOffset = UInt16(truncatingIfNeeded: networkOffset)
    self.etherType = etherType
  }

  /// Offset 0 and more fragments follow: ``transportLength`` is this fragment's, not the datagram's.
  @inline(__always) public var isFirstFragment: Bool { flags & Flag.firstFragment != 0 }
  /// The fragment's offset is not 0; ``fragment(in:originalLength:)`` tells the rest.
  @inline(__always) public var isLaterFragment: Bool { flags & Flag.laterFragment != 0 }
  /// The capture ends before the IP packet, or before a packet that is not IP.
  @inline(__always) public var isSnapped: Bool { flags & Flag.snapped != 0 }
  /// Whether ``tcp(in:)`` may be called: TCP, and its 20 fixed bytes were captured.
  @inline(__always) public var tcpFieldsCaptured: Bool { flags & Flag.tcpFields != 0 }
  /// ESP inside UDP on port 4500. RFC 3948. Its ``kind`` is `udp`.
  @inline(__always) public var isUDPEncapsulatedESP: Bool { flags & Flag.udpESP != 0 }
  /// VLAN tags before the EtherType, 0...4.
  @inline(__always) public var tagCount: Int { Int(flags >> Flag.tagShift) }
  /// Whether there is a 5-tuple.
  @inline(__always) public var hasPorts: Bool { kind.rawValue <= Kind.udp.rawValue }

  /// Parses one packet.
  ///
  /// `bytes` is what was captured, `originalLength` what was on the wire; if that is smaller, the captured
  /// count stands for it. Headers that claim more than the original length make a packet malformed. Headers
  /// beyond the captured bytes but within the original length do not: the packet is snapped, see
  /// ``isSnapped`` and `Kind.cutBeforePorts`. Checksums are not verified.
  ///
  /// - Throws: the first group of ``DropReason``.
  @inline(__always)
  public static func parse(_ bytes: RawSpan, link: LinkType, originalLength: UInt32) throws(DropReason)
    -> Frame
  {
    let original = max(Int(originalLength), bytes.byteCount)
    if link == .ethernet { return try ethernet(bytes, original: original) }
    return try notEthernet(bytes, link: link, original: original)
  }

  enum Flag {
    static let firstFragment: UInt8 = 1, laterFragment: UInt8 = 2, snapped: UInt8 = 4, tcpFields: UInt8 = 8
    static let udpESP: UInt8 = 16
    static let tagShift: UInt8 = 5, oneTag: UInt8 = 1 << 5
  }
}
