/// The clear part of an ESP packet, RFC 4303 §2. A view: it borrows the packet's bytes.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |               Security Parameters Index (SPI)                 |
///     +---------------------------------------------------------------+
///     |                      Sequence Number                          |
///     +---------------------------------------------------------------+
public struct ESPHeader: ~Escapable {
  /// Header length in bytes.
  public static let size = 8

  private let bytes: RawSpan

  /// Frames `bytes` as an ESP packet. After this no accessor can fail.
  ///
  /// - Throws: `.truncatedESP` below 8 bytes.
  @_lifetime(copy bytes)
  public init(parsing bytes: RawSpan) throws(DropReason) {
    guard bytes.byteCount >= Self.size else { throw .truncatedESP }
    self.bytes = bytes
  }

  public var spi: UInt32 { bytes.loadBigEndian(at: Field.spi) }
  /// The low 32 bits of the sequence number. RFC 4303 §2.2.1.
  public var sequence: UInt32 { bytes.loadBigEndian(at: Field.sequence) }

  private enum Field { static let spi = 0, sequence = 4 }
}
