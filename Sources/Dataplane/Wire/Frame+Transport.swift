extension Frame {
  /// The upper layer at ``transportOffset``, of ``transportLength`` bytes.
  ///
  /// Lengths inside a first fragment are not held against it: its datagram is longer.
  @inline(__always)
  func transport(_ bytes: RawSpan, isFirstFragment: Bool) throws(DropReason) -> Frame {
    var frame = self
    let length = Int(transportLength)
    let rest = bytes.extracting(droppingFirst: Int(transportOffset))
    if rest.byteCount < length { frame.flags |= Flag.snapped }
    // Without Ethernet's padding, which must not pass for a header.
    let segment = rest.extracting(first: length)
    let claimed = isFirstFragment ? Self.largestDatagram : length
    switch ipProtocol {
    case IPProtocol.tcp:
      guard segment.byteCount >= TCPHeader.size else {
        return try frame.shortTransport(segment, header: TCPHeader.size, kind: .tcp, else: .truncatedTCP)
      }
      let header = try TCPHeader(parsing: segment, segmentLength: claimed)
      guard !isFirstFragment || header.dataOffset <= length else { throw .firstFragmentTooShort }
      frame.kind = .tcp
      frame.flags |= Flag.tcpFields
      return frame
    case IPProtocol.udp:
      guard segment.byteCount >= UDPHeader.size else {
        return try frame.shortTransport(segment, header: UDPHeader.size, kind: .udp, else: .truncatedUDP)
      }
      let header = try UDPHeader(parsing: segment, datagramLength: claimed)
      frame.kind = .udp
      if header.usesNATTraversalPort, header.carriesESP { frame.flags |= Flag.udpESP }
      return frame
    default:
      return try frame.withoutPorts(bytes)
    }
  }

  /// TCP or UDP of which less than the fixed header is at hand: cut by the capture, a small first fragment,
  /// or truncated on the wire.
  @inline(never)
  private func shortTransport(
    _ segment: RawSpan, header: Int, kind: Kind, else reason: DropReason
  ) throws(DropReason) -> Frame {
    guard Int(transportLength) >= header else { throw isFirstFragment ? .firstFragmentTooShort : reason }
    guard segment.byteCount >= TransportPorts.size else { return cutInChain() }
    var frame = self
    frame.kind = kind
    return frame
  }

  /// Everything but TCP and UDP.
  @inline(never)
  private func withoutPorts(_ bytes: RawSpan) throws(DropReason) -> Frame {
    var frame = self
    func require(_ size: Int, _ reason: DropReason) throws(DropReason) {
      guard transportLength >= size else { throw isFirstFragment ? .firstFragmentTooShort : reason }
    }
    switch (ipProtocol, family) {
    case (IPProtocol.icmp, 4):
      try require(ICMPHeader.size, .truncatedICMP)
      frame.kind = .icmp
    case (IPProtocol.icmpv6, 6):
      try require(ICMPHeader.sizeV6, .truncatedICMPv6)
      frame.kind = .icmpv6
    case (IPProtocol.esp, _):
      try require(ESPHeader.size, .truncatedESP)
      frame.kind = .esp
    case (IPProtocol.authentication, 4):
      return try authenticated(bytes)
    default:
      frame.kind = .otherIP
    }
    return frame
  }

  /// IPv4 payload behind an authentication header. RFC 4302 §3.1.1. A second one is not walked.
  private func authenticated(_ bytes: RawSpan) throws(DropReason) -> Frame {
    let payload = bytes.extracting(droppingFirst: Int(transportOffset)).extracting(
      first: Int(transportLength))
    guard payload.byteCount >= AuthenticationHeader.size else {
      guard transportLength >= AuthenticationHeader.size else {
        throw isFirstFragment ? .firstFragmentTooShort : .badAHLength
      }
      return cutInChain()
    }
    let header = try AuthenticationHeader(parsing: payload, originalLength: Int(transportLength))
    var frame = self
    frame.ipProtocol = header.nextHeader
    frame.transportOffset += UInt16(truncatingIfNeeded: header.headerLength)
    frame.transportLength -= UInt32(truncatingIfNeeded: header.headerLength)
    guard header.nextHeader != IPProtocol.authentication else {
      frame.kind = .otherIP
      return frame
    }
    return try frame.transport(bytes, isFirstFragment: isFirstFragment)
  }

  /// Whether the capture ends before the IP packet does.
  func isPayloadCut(_ bytes: RawSpan) -> Bool {
    bytes.byteCount < Int(transportOffset) + Int(transportLength)
  }
}
