/// Authentication header, RFC 4302 §2. A view: it borrows the packet's bytes. Nothing is authenticated here.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+---------------+-------------------------------+
///     |  Next Header  |  Payload Len  |            RESERVED           |
///     +---------------+---------------+-------------------------------+
///     |                 Security Parameters Index (SPI)               |
///     +---------------------------------------------------------------+
///     |                     Sequence Number Field                     |
///     +---------------------------------------------------------------+
///     |                Integrity Check Value (variable)               |
///     +---------------------------------------------------------------+
public struct AuthenticationHeader: ~Escapable {
  /// Length without ICV, in bytes.
  public static let size = 12

  private let bytes: RawSpan

  /// Frames `bytes` as an authentication header in an IP payload of `originalLength` bytes.
  ///
  /// The 12 fixed bytes must have been captured; the ICV may have been cut.
  ///
  /// - Throws: `.badAHLength` below 12 bytes, for a length field below 12 bytes or beyond `originalLength`.
  @_lifetime(copy bytes)
  public init(parsing bytes: RawSpan, originalLength: Int) throws(DropReason) {
    guard bytes.byteCount >= Self.size else { throw .badAHLength }
    self.bytes = bytes
    guard headerLength >= Self.size, headerLength <= originalLength else { throw .badAHLength }
  }

  public var nextHeader: UInt8 { bytes.loadByte(at: Field.nextHeader) }
  /// Header with ICV in bytes. The field counts 4-byte words less 2. RFC 4302 §2.2.
  public var headerLength: Int { (Int(bytes.loadByte(at: Field.payloadLength)) + 2) << 2 }
  public var spi: UInt32 { bytes.loadBigEndian(at: Field.spi) }
  public var sequence: UInt32 { bytes.loadBigEndian(at: Field.sequence) }

  private enum Field { static let nextHeader = 0, payloadLength = 1, spi = 4, sequence = 8 }
}
