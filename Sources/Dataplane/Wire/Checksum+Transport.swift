extension Checksum {
  /// The transports whose header holds a checksum.
  public enum Transport: Sendable { case tcp, udp, icmp, icmpv6 }

  /// Computes and stores the checksum of the transport of `length` bytes at `offset`.
  ///
  /// A UDP sum of 0 is stored as 0xFFFF (RFC 768). ICMP over IPv4 has no pseudo header, so its addresses are
  /// not used.
  ///
  /// - Precondition: `length` bytes at `offset`, the transport's header among them.
  @_lifetime(bytes: copy bytes)
  public static func fill(
    _ transport: Transport, source: IPAddress, destination: IPAddress, length: Int,
    into bytes: inout MutableRawSpan, at offset: Int
  ) {
    let (protocolNumber, position) = layout(of: transport)
    bytes.storeBigEndian(UInt16(0), at: offset + position)
    var checksum = Checksum()
    if transport != .icmp {
      checksum.addPseudoHeader(
        source: source, destination: destination, protocolNumber: protocolNumber, length: length)
    }
    checksum.add(bytes.bytes.extracting(offset..<offset + length))
    let value = checksum.value
    bytes.storeBigEndian(transport == .udp && value == 0 ? 0xFFFF : value, at: offset + position)
  }

  private static func layout(of transport: Transport) -> (protocolNumber: UInt8, position: Int) {
    switch transport {
    case .tcp: (IPProtocol.tcp, TCPHeader.checksumOffset)
    case .udp: (IPProtocol.udp, UDPHeader.checksumOffset)
    case .icmp: (IPProtocol.icmp, ICMPHeader.checksumOffset)
    case .icmpv6: (IPProtocol.icmpv6, ICMPHeader.checksumOffset)
    }
  }
}
