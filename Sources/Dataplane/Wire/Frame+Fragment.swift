extension Frame {
  /// A first or later fragment of either family. RFC 791 §3.2, RFC 8200 §4.5.
  ///
  /// - Throws: `.badFragmentOffset`, `.badFragmentLength`, `.fragmentInsideHeader` for fragments that no
  ///   sender makes; in first ones what the upper layer's header lacks.
  /// - Parameter isCut: whether the capture ended inside a first fragment's extension headers.
  @inline(never)
  func fragment(_ bytes: RawSpan, original: Int, isCut: Bool = false) throws(DropReason) -> Frame {
    var frame = self
    guard let part = frame.part(in: bytes, original: original) else { return frame.cutInChain() }
    guard part.datagramLength <= Self.largestDatagram else { throw .badFragmentOffset }
    if part.offset == 0 {
      frame.flags |= Flag.firstFragment
      frame = isCut ? frame.cutInChain() : try frame.transport(bytes, isFirstFragment: true)
    } else {
      frame.kind = .laterFragment
      frame.flags |= Flag.laterFragment
      if frame.isPayloadCut(bytes) { frame.flags |= Flag.snapped }
      frame.transportOffset = 0
      let isInsideHeader = ipProtocol == IPProtocol.tcp && part.offset < TCPHeader.size
      guard !isInsideHeader else { throw .fragmentInsideHeader }
    }
    guard part.length > 0, !part.hasMore || part.length & 7 == 0 else { throw .badFragmentLength }
    return frame
  }

  /// Which part of its datagram a fragment carries.
  ///
  /// `originalLength` is the packet's on its link, as ``parse(_:link:originalLength:)`` got it.
  ///
  /// - Precondition: ``isFirstFragment`` or ``isLaterFragment``.
  public func fragment(in bytes: RawSpan, originalLength: UInt32) -> FragmentPart {
    part(in: bytes, original: max(Int(originalLength), bytes.byteCount)) ?? .none
  }

  /// - Returns: nil when the IPv6 chain does not parse, which ``parse(_:link:originalLength:)`` has refused.
  private func part(in bytes: RawSpan, original: Int) -> FragmentPart? {
    let packet = bytes.extracting(droppingFirst: Int(networkOffset))
    let original = original - Int(networkOffset)
    if family == 4 { return FragmentPart(IPv4Header(parsedBefore: packet), originalLength: original) }
    let header = IPv6Header(parsedBefore: packet)
    let length = header.mayBeJumbogram ? original - IPv6Header.size : Int(header.payloadLength)
    guard let chain = Self.chain(packet, length: length) else { return nil }
    return FragmentPart(chain, payloadLength: length)
  }

  /// The extension headers of an IPv6 packet that is no jumbogram; nil for one without, and for IPv4.
  func extensionHeaders(in bytes: RawSpan) -> IPv6ExtensionHeaders? {
    guard family == 6, transportOffset != networkOffset + UInt16(IPv6Header.size) else { return nil }
    return Self.chain(
      bytes.extracting(droppingFirst: Int(networkOffset)), length: Int(ipv6(in: bytes).payloadLength))
  }

  private static func chain(_ packet: RawSpan, length: Int) -> IPv6ExtensionHeaders? {
    try? IPv6ExtensionHeaders(
      parsing: packet.extracting(droppingFirst: IPv6Header.size),
      first: IPv6Header(parsedBefore: packet).nextHeader, originalLength: length)
  }

  /// The most that 16-bit lengths can describe. RFC 791 §3.1, RFC 8200 §4.5.
  static let largestDatagram = 65_535
}

/// The place of one fragment in its datagram. RFC 791 §3.2, RFC 8200 §4.5.
public struct FragmentPart: Equatable, Sendable, BitwiseCopyable {
  /// What all fragments of one datagram share beside addresses and protocol: 16 bits of the IPv4 header,
  /// 32 of the IPv6 fragment header.
  public var identification: UInt32
  /// Where its payload stands in the datagram's, in bytes; a multiple of 8.
  public var offset: Int
  /// Bytes of payload, by the headers' own lengths and not by what was captured.
  public var length: Int
  /// Whether it is not the last.
  public var hasMore: Bool
  /// What the length field of a datagram that ends with this fragment would have to say.
  var datagramLength: Int

  static let none = FragmentPart(
    identification: 0, offset: 0, length: 0, hasMore: false, datagramLength: 0)

  /// The end of its payload in the datagram's.
  public var end: Int { offset + length }
}

extension FragmentPart {
  fileprivate init(_ header: IPv4Header, originalLength: Int) {
    identification = UInt32(header.identification)
    offset = header.fragmentOffset
    length = header.length(within: originalLength) - header.headerLength
    hasMore = header.moreFragments
    datagramLength = header.headerLength + offset + length
  }

  fileprivate init(_ chain: IPv6ExtensionHeaders, payloadLength: Int) {
    identification = chain.identification
    offset = chain.fragmentOffset
    length = payloadLength - chain.fragmentPayloadOffset
    hasMore = chain.hasMoreFragments
    // Without the fragment header of 8 bytes, which a whole datagram does not have.
    datagramLength = chain.fragmentPayloadOffset - 8 + offset + length
  }
}
