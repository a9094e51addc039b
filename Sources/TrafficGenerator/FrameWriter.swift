import Dataplane

/// Writes whole frames with the packet path's own header writers; all checksums are right.
struct FrameWriter: Sendable {
  private let tags: TrafficOptions.Tags

  init(_ options: TrafficOptions) { tags = options.tags }

  /// Bytes of payload in a data frame of `frameSize` bytes without tags: at least 1.
  func room(in frameSize: Int, _ tuple: ConversationTuple) -> Int {
    max(1, frameSize - EthernetHeader.size - Self.ipSize(tuple) - Self.transportSize(tuple))
  }

  /// Writes the frame of `segment` to the start of `bytes`, padded to the smallest Ethernet frame.
  ///
  /// - Returns: its length in bytes.
  @_lifetime(bytes: copy bytes)
  func write(
    _ segment: Segment, _ tuple: ConversationTuple, identification: UInt32, into bytes: inout MutableRawSpan
  ) -> Int {
    let options = segment.isSYN ? TCPHeader.synOptionsSize : 0
    let length = Self.transportSize(tuple) + options + segment.payload
    var offset = writeEthernet(segment, tuple, into: &bytes)
    offset = writeIP(
      segment, tuple, Part(length: length, identification: identification), into: &bytes, at: offset)
    writeTransport(segment, tuple, length: length, into: &bytes, at: offset)
    return pad(&bytes, from: offset + length)
  }

  /// The length of a data packet's transport header and payload.
  static func transportLength(_ segment: Segment, _ tuple: ConversationTuple) -> Int {
    transportSize(tuple) + segment.payload
  }

  /// Writes one fragment of a datagram whose transport is `whole`.
  ///
  /// - Returns: the frame's length in bytes.
  @_lifetime(bytes: copy bytes)
  func write(
    _ part: Part, of whole: [UInt8], _ segment: Segment, _ tuple: ConversationTuple,
    into bytes: inout MutableRawSpan
  ) -> Int {
    var offset = writeEthernet(segment, tuple, into: &bytes)
    offset = writeIP(segment, tuple, part, into: &bytes, at: offset)
    for index in 0..<part.length {
      bytes.storeBytes(of: whole[part.offset + index], toByteOffset: offset + index, as: UInt8.self)
    }
    return pad(&bytes, from: offset + part.length)
  }

  /// The transport header and payload of a data packet that `write` has put into `frame`.
  func transport(_ segment: Segment, _ tuple: ConversationTuple, in frame: RawSpan) -> [UInt8] {
    let start = EthernetHeader.size + tagBytes + Self.ipSize(tuple)
    return (0..<Self.transportLength(segment, tuple)).map { frame.loadByte(at: start + $0) }
  }

  /// What an IP packet carries of a datagram: all of it, or a fragment.
  struct Part {
    /// Bytes of the datagram's transport.
    var length: Int
    /// Where they begin in it; a multiple of 8.
    var offset = 0
    var hasMore = false
    var identification: UInt32

    var isFragment: Bool { hasMore || offset > 0 }
  }

  @_lifetime(bytes: copy bytes)
  private func writeEthernet(
    _ segment: Segment, _ tuple: ConversationTuple, into bytes: inout MutableRawSpan
  ) -> Int {
    let inner = tuple.client.family == .ipv4 ? EtherType.ipv4 : EtherType.ipv6
    let isFromClient = segment.isFromClient
    let (first, list): (UInt16, [(UInt16, UInt16)]) =
      switch tags {
      case .none: (inner, [])
      case .vlan(let identifier): (EtherType.vlan, [(UInt16(identifier), inner)])
      case .qinq(let outer, let identifier):
        (EtherType.serviceVLAN, [(UInt16(outer), EtherType.vlan), (UInt16(identifier), inner)])
      }
    EthernetHeader.write(
      destination: isFromClient ? Self.server : Self.client, source: isFromClient ? Self.client : Self.server,
      etherType: first, into: &bytes)
    var offset = EthernetHeader.size
    for (identifier, next) in list {
      VLANTag.write(identifier: identifier, typeOrLength: next, into: &bytes, at: offset)
      offset += VLANTag.size
    }
    return offset
  }

  /// - Returns: where the packet's payload begins.
  @_lifetime(bytes: copy bytes)
  private func writeIP(
    _ segment: Segment, _ tuple: ConversationTuple, _ part: Part, into bytes: inout MutableRawSpan,
    at offset: Int
  ) -> Int {
    let source = segment.isFromClient ? tuple.client : tuple.server
    let destination = segment.isFromClient ? tuple.server : tuple.client
    let number = tuple.transport == .tcp ? IPProtocol.tcp : IPProtocol.udp
    if source.family == .ipv4 {
      IPv4Header.write(
        source: source, destination: destination, protocolNumber: number,
        totalLength: IPv4Header.size + part.length,
        identification: UInt16(truncatingIfNeeded: part.identification), dontFragment: !part.isFragment,
        moreFragments: part.hasMore, fragmentOffset: part.offset, into: &bytes, at: offset)
      return offset + IPv4Header.size
    }
    let extra = part.isFragment ? IPv6ExtensionHeaders.fragmentSize : 0
    IPv6Header.write(
      source: source, destination: destination, nextHeader: part.isFragment ? IPProtocol.fragment : number,
      payloadLength: extra + part.length, into: &bytes, at: offset)
    if part.isFragment {
      IPv6ExtensionHeaders.writeFragment(
        nextHeader: number, fragmentOffset: part.offset, moreFragments: part.hasMore,
        identification: part.identification, into: &bytes, at: offset + IPv6Header.size)
    }
    return offset + IPv6Header.size + extra
  }

  @_lifetime(bytes: copy bytes)
  private func writeTransport(
    _ segment: Segment, _ tuple: ConversationTuple, length: Int, into bytes: inout MutableRawSpan,
    at offset: Int
  ) {
    let isFromClient = segment.isFromClient
    let sourcePort = isFromClient ? tuple.clientPort : tuple.serverPort
    let destinationPort = isFromClient ? tuple.serverPort : tuple.clientPort
    if tuple.transport == .tcp {
      TCPHeader.write(
        sourcePort: sourcePort, destinationPort: destinationPort, sequence: segment.sequence,
        acknowledgment: segment.acknowledgment, flags: segment.flags,
        window: segment.flags.contains(.rst) ? 0 : segment.isSYN ? Self.synWindow : Self.window, into: &bytes,
        at: offset)
      if segment.isSYN {
        TCPHeader.writeSYNOptions(
          maximumSegmentSize: tuple.client.family == .ipv4 ? 1460 : 1440, windowScale: Self.windowScale,
          into: &bytes, at: offset)
      }
    } else {
      UDPHeader.write(
        sourcePort: sourcePort, destinationPort: destinationPort, length: length, into: &bytes, at: offset)
    }
    fill(&bytes, Self.payload, from: offset + length - segment.payload, to: offset + length)
    Checksum.fill(
      tuple.transport == .tcp ? .tcp : .udp, source: isFromClient ? tuple.client : tuple.server,
      destination: isFromClient ? tuple.server : tuple.client, length: length, into: &bytes, at: offset)
  }

  @_lifetime(bytes: copy bytes)
  private func pad(_ bytes: inout MutableRawSpan, from end: Int) -> Int {
    guard end < Self.smallestFrame else { return end }
    fill(&bytes, 0, from: end, to: Self.smallestFrame)
    return Self.smallestFrame
  }

  @_lifetime(bytes: copy bytes)
  private func fill(_ bytes: inout MutableRawSpan, _ word: UInt64, from start: Int, to end: Int) {
    var offset = start
    while offset + 8 <= end {
      bytes.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
      offset += 8
    }
    while offset < end {
      bytes.storeBytes(of: UInt8(truncatingIfNeeded: word), toByteOffset: offset, as: UInt8.self)
      offset += 1
    }
  }

  private var tagBytes: Int {
    switch tags {
    case .none: 0
    case .vlan: VLANTag.size
    case .qinq: 2 * VLANTag.size
    }
  }

  private static func ipSize(_ tuple: ConversationTuple) -> Int {
    tuple.client.family == .ipv4 ? IPv4Header.size : IPv6Header.size
  }

  private static func transportSize(_ tuple: ConversationTuple) -> Int {
    tuple.transport == .tcp ? TCPHeader.size : UDPHeader.size
  }

  /// Headers of the longest packet without data and of the shortest with it, untagged.
  static let mostHeaderBytes =
    EthernetHeader.size + IPv6Header.size + IPv6ExtensionHeaders.fragmentSize + TCPHeader.size
    + TCPHeader.synOptionsSize + 8
  static let mostTagBytes = 2 * VLANTag.size

  /// Without frame check sequence, IEEE 802.3 §4A.4.2: 64 bytes with it.
  private static let smallestFrame = 60
  /// Locally administered addresses.
  private static let client = MACAddress(0x0200_0000_0001)
  private static let server = MACAddress(0x0200_0000_0002)
  /// 64,256 bytes, in units of 2^`windowScale`; a SYN's own window is not scaled.
  private static let window: UInt16 = 502
  private static let synWindow: UInt16 = 64_240
  private static let windowScale: UInt8 = 7
  /// "aaaaaaaa".
  private static let payload: UInt64 = 0x6161_6161_6161_6161
}
