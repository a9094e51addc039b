/// GRE header without options, RFC 2784 §2.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-+-----------------------+-----+-------------------------------+
///     |C|       Reserved0       | Ver |         Protocol Type         |
///     +-+-----------------------+-----+-------------------------------+
public enum GREHeader {
  /// Length without options, in bytes.
  public static let size = 4

  /// Writes a header of 4 bytes at `offset`: version 0, no checksum.
  ///
  /// `protocolType` is ``EtherType/transparentEthernetBridging`` for an Ethernet frame.
  ///
  /// - Precondition: 4 bytes of room at `offset`.
  @_lifetime(bytes: copy bytes)
  public static func write(protocolType: UInt16, into bytes: inout MutableRawSpan, at offset: Int) {
    bytes.storeBigEndian(UInt16(0), at: offset)
    bytes.storeBigEndian(protocolType, at: offset + 2)
  }
}
