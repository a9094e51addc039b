/// Views of a parsed packet. `bytes` must be those that ``parse(_:link:originalLength:)`` saw, with the link
/// header rewritten at most; nothing is validated again, and a wrong kind or other bytes trap.
extension Frame {
  /// - Precondition: ``family`` is 4, and ``kind`` is not `cutBeforePorts`.
  @inline(__always)
  @_lifetime(copy bytes)
  public func ipv4(in bytes: RawSpan) -> IPv4Header {
    IPv4Header(parsedBefore: bytes.extracting(droppingFirst: Int(networkOffset)))
  }

  /// - Precondition: ``family`` is 6, and ``kind`` is not `cutBeforePorts`.
  @inline(__always)
  @_lifetime(copy bytes)
  public func ipv6(in bytes: RawSpan) -> IPv6Header {
    IPv6Header(parsedBefore: bytes.extracting(droppingFirst: Int(networkOffset)))
  }

  /// - Precondition: ``hasPorts``.
  @inline(__always)
  @_lifetime(copy bytes)
  public func ports(in bytes: RawSpan) -> TransportPorts {
    TransportPorts(parsedBefore: bytes.extracting(droppingFirst: Int(transportOffset)))
  }

  /// - Precondition: ``tcpFieldsCaptured``.
  @inline(__always)
  @_lifetime(copy bytes)
  public func tcp(in bytes: RawSpan) -> TCPHeader {
    TCPHeader(parsedBefore: bytes.extracting(droppingFirst: Int(transportOffset)))
  }

  /// Bytes of a TCP segment behind its header, by the headers' own lengths.
  ///
  /// - Precondition: ``tcpFieldsCaptured``.
  @inline(__always)
  public func tcpPayloadLength(in bytes: RawSpan) -> UInt32 {
    let header = UInt32(truncatingIfNeeded: tcp(in: bytes).dataOffset)
    return transportLength > header ? transportLength - header : 0
  }
}
