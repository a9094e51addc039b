/// How a super-frame, whose segmentation a sender left to its device, becomes packets of the link.
///
/// Every packet has the super-frame's headers with lengths, sums and numbers of its own. TCP: the sequence
/// number goes on, FIN and PSH are the last packet's, CWR is the first one's (RFC 3168 §6.1.2). UDP: each is
/// a datagram. IPv4 identifications go on by one (RFC 6864 allows any for atomic datagrams).
public struct Segmentation: BitwiseCopyable, Sendable {
  public enum Transport: Sendable, BitwiseCopyable { case tcp, udp }

  /// Packets that the super-frame becomes, at least 1.
  public let count: Int
  /// Bytes of the longest packet, link header included.
  public var longestLength: Int { headerLength + min(segmentSize, payloadLength) }

  private let transport: Transport
  private let isIPv6: Bool
  private let networkOffset: Int
  private let transportOffset: Int
  /// Bytes of all headers, those of the link too.
  private let headerLength: Int
  private let payloadLength: Int
  private let segmentSize: Int

  /// - Parameters:
  ///   - frame: the super-frame, an Ethernet frame, tags among its bytes.
  ///   - segmentSize: bytes of payload in each packet but the last.
  /// - Throws: `.unsupportedOffload` when it is not what `transport` says, or a fragment; and what
  ///   ``Frame/parse(_:link:originalLength:)`` throws.
  public init(of frame: RawSpan, transport: Transport, segmentSize: Int) throws(DropReason) {
    let parsed = try Frame.parse(frame, link: .ethernet, originalLength: UInt32(frame.byteCount))
    guard segmentSize > 0, !parsed.isFirstFragment else { throw .unsupportedOffload }
    transportOffset = Int(parsed.transportOffset)
    networkOffset = Int(parsed.networkOffset)
    isIPv6 = parsed.family == 6
    self.transport = transport
    self.segmentSize = segmentSize
    switch transport {
    case .tcp:
      guard parsed.kind == .tcp, parsed.tcpFieldsCaptured else { throw .unsupportedOffload }
      headerLength = transportOffset + parsed.tcp(in: frame).dataOffset
    case .udp:
      guard parsed.kind == .udp else { throw .unsupportedOffload }
      headerLength = transportOffset + UDPHeader.size
    }
    payloadLength = transportOffset + Int(parsed.transportLength) - headerLength
    guard payloadLength >= 0, headerLength + payloadLength <= frame.byteCount else {
      throw .unsupportedOffload
    }
    count = max((payloadLength + segmentSize - 1) / segmentSize, 1)
  }

  /// Bytes of packet `index`, 0..<`count`.
  public func length(of index: Int) -> Int {
    headerLength + min(segmentSize, payloadLength - index * segmentSize)
  }

  /// Writes packet `index` of the super-frame `frame`.
  ///
  /// - Parameters:
  ///   - index: 0..<`count`.
  ///   - frame: the bytes that this value was made of.
  ///   - packet: ``length(of:)`` bytes.
  @_lifetime(packet: copy packet)
  public func write(_ index: Int, of frame: RawSpan, into packet: inout MutableRawSpan) {
    let from = headerLength + index * segmentSize
    packet.copy(frame.extracting(first: headerLength), to: 0)
    packet.copy(frame.extracting(from..<from + length(of: index) - headerLength), to: headerLength)
    rewriteNetwork(index, frame, &packet)
    rewriteTransport(index, frame, &packet)
  }

  @_lifetime(packet: copy packet)
  private func rewriteNetwork(_ index: Int, _ frame: RawSpan, _ packet: inout MutableRawSpan) {
    let length = packet.byteCount - networkOffset
    if isIPv6 {
      IPv6Header.rewrite(
        payloadLength: UInt16(truncatingIfNeeded: length - IPv6Header.size), in: &packet, at: networkOffset)
    } else {
      let first = IPv4Header(parsedBefore: frame.extracting(droppingFirst: networkOffset)).identification
      IPv4Header.rewrite(
        totalLength: UInt16(truncatingIfNeeded: length),
        identification: first &+ UInt16(truncatingIfNeeded: index), in: &packet, at: networkOffset)
    }
  }

  @_lifetime(packet: copy packet)
  private func rewriteTransport(_ index: Int, _ frame: RawSpan, _ packet: inout MutableRawSpan) {
    let length = packet.byteCount - transportOffset
    let network = frame.extracting(droppingFirst: networkOffset)
    let ends =
      isIPv6
      ? (IPv6Header(parsedBefore: network).source, IPv6Header(parsedBefore: network).destination)
      : (IPv4Header(parsedBefore: network).source, IPv4Header(parsedBefore: network).destination)
    switch transport {
    case .tcp:
      let header = TCPHeader(parsedBefore: frame.extracting(droppingFirst: transportOffset))
      var flags = header.flags
      if index + 1 < count { flags.subtract([.fin, .psh]) }
      if index > 0 { flags.subtract(.cwr) }
      TCPHeader.rewrite(
        sequence: header.sequence &+ UInt32(truncatingIfNeeded: index * segmentSize), flags: flags,
        in: &packet, at: transportOffset)
      Checksum.fill(
        .tcp, source: ends.0, destination: ends.1, length: length, into: &packet, at: transportOffset)
    case .udp:
      UDPHeader.rewrite(length: UInt16(truncatingIfNeeded: length), in: &packet, at: transportOffset)
      Checksum.fill(
        .udp, source: ends.0, destination: ends.1, length: length, into: &packet, at: transportOffset)
    }
  }
}
