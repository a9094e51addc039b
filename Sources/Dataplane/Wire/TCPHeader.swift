/// TCP header, RFC 9293 §3.1. A view: it borrows the packet's bytes. The checksum is not verified here.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------------------------------+-------------------------------+
///     |          Source Port          |       Destination Port        |
///     +-------------------------------+-------------------------------+
///     |                        Sequence Number                        |
///     +---------------------------------------------------------------+
///     |                    Acknowledgment Number                      |
///     +-------+-------+-+-+-+-+-+-+-+-+-------------------------------+
///     |  Data |       |C|E|U|A|P|R|S|F|                               |
///     | Offset| Rsrvd |W|C|R|C|S|S|Y|I|            Window             |
///     |       |       |R|E|G|K|H|T|N|N|                               |
///     +-------+-------+-+-+-+-+-+-+-+-+-------------------------------+
///     |           Checksum            |         Urgent Pointer        |
///     +-------------------------------+-------------------------------+
///     |                           [Options]                           |
///     +---------------------------------------------------------------+
public struct TCPHeader: ~Escapable {
  /// Length without options, in bytes.
  public static let size = 20

  private let bytes: RawSpan

  /// Frames `bytes` as a segment of `segmentLength` bytes.
  ///
  /// The 20 fixed bytes must have been captured; options and payload may have been cut. For the first
  /// fragment of a segment pass 65,535, since its length is not known. After this no accessor can fail.
  ///
  /// - Throws: `.truncatedTCP` below 20 bytes; `.badTCPDataOffset` below 5 words or beyond the segment.
  @inline(__always)
  @_lifetime(copy bytes)
  public init(parsing bytes: RawSpan, segmentLength: Int) throws(DropReason) {
    guard bytes.byteCount >= Self.size else { throw .truncatedTCP }
    self.bytes = bytes
    let dataOffset = dataOffset
    guard dataOffset >= Self.size, dataOffset <= segmentLength else { throw .badTCPDataOffset }
  }

  /// As ``init(parsing:segmentLength:)`` for a segment that was captured whole.
  @_lifetime(copy bytes)
  public init(parsing bytes: RawSpan) throws(DropReason) {
    try self.init(parsing: bytes, segmentLength: bytes.byteCount)
  }

  /// Frames bytes that were parsed before, which ``Frame`` remembers.
  @inline(__always)
  @_lifetime(copy bytes)
  init(parsedBefore bytes: RawSpan) { self.bytes = bytes }

  @inline(__always) public var sourcePort: UInt16 { bytes.loadBigEndian(at: Field.sourcePort) }
  @inline(__always) public var destinationPort: UInt16 { bytes.loadBigEndian(at: Field.destinationPort) }
  @inline(__always) public var sequence: UInt32 { bytes.loadBigEndian(at: Field.sequence) }
  /// Meaningful with ``TCPFlags/ack`` only.
  @inline(__always) public var acknowledgment: UInt32 { bytes.loadBigEndian(at: Field.acknowledgment) }
  /// Header with options in bytes, 20...60.
  @inline(__always) public var dataOffset: Int { Int(bytes.loadByte(at: Field.dataOffset) >> 4) << 2 }
  @inline(__always) public var flags: TCPFlags { TCPFlags(rawValue: bytes.loadByte(at: Field.flags)) }
  /// The window field, not scaled.
  @inline(__always) public var window: UInt16 { bytes.loadBigEndian(at: Field.window) }
  public var checksum: UInt16 { bytes.loadBigEndian(at: Field.checksum) }
  public var urgentPointer: UInt16 { bytes.loadBigEndian(at: Field.urgentPointer) }
  /// Options and padding, as far as captured.
  public var options: RawSpan {
    @_lifetime(copy self) get { bytes.extracting(first: dataOffset).extracting(droppingFirst: Self.size) }
  }

  /// The shift count of the window scale option, 0...14 (larger ones count as 14); nil without one.
  /// Only SYN segments carry it. RFC 7323 §2.2 and §2.3.
  ///
  /// Malformed or cut options end the search: they say nothing about what came before.
  @inline(never)
  public func windowScale() -> UInt8? {
    let options = options
    var offset = 0
    while offset < options.byteCount {
      let kind = options.loadByte(at: offset)
      if kind == Option.end { return nil }
      if kind == Option.noOperation {
        offset += 1
        continue
      }
      guard offset + 2 <= options.byteCount else { return nil }
      let length = Int(options.loadByte(at: offset + 1))
      guard length >= 2, offset + length <= options.byteCount else { return nil }
      if kind == Option.windowScale, length == 3 {
        return min(options.loadByte(at: offset + 2), Option.largestWindowScale)
      }
      offset += length
    }
    return nil
  }

  /// Writes a header of 20 bytes without options at `offset`, checksum 0.
  ///
  /// ``Checksum/fill(_:source:destination:length:into:at:)`` fills the checksum in.
  ///
  /// - Precondition: 20 bytes of room at `offset`.
  @_lifetime(bytes: copy bytes)
  public static func write(
    sourcePort: UInt16, destinationPort: UInt16, sequence: UInt32, acknowledgment: UInt32 = 0,
    flags: TCPFlags,
    window: UInt16, into bytes: inout MutableRawSpan, at offset: Int
  ) {
    bytes.storeBigEndian(sourcePort, at: offset + Field.sourcePort)
    bytes.storeBigEndian(destinationPort, at: offset + Field.destinationPort)
    bytes.storeBigEndian(sequence, at: offset + Field.sequence)
    bytes.storeBigEndian(acknowledgment, at: offset + Field.acknowledgment)
    bytes.storeBigEndian(UInt8(Self.size / 4) << 4, at: offset + Field.dataOffset)
    bytes.storeBigEndian(flags.rawValue, at: offset + Field.flags)
    bytes.storeBigEndian(window, at: offset + Field.window)
    bytes.storeBigEndian(UInt16(0), at: offset + Field.checksum)
    bytes.storeBigEndian(UInt16(0), at: offset + Field.urgentPointer)
  }

  /// Bytes that ``writeSYNOptions(maximumSegmentSize:windowScale:into:at:)`` adds to a header.
  public static let synOptionsSize = 8

  /// Adds a SYN's usual options to the header at `offset`: maximum segment size and window scale (RFC 9293
  /// §3.7.1, RFC 7323 §2.2), with a no-operation between them.
  ///
  /// - Precondition: a header of 20 bytes without options at `offset` and 8 bytes of room after it;
  ///   `windowScale` is 0...14.
  @_lifetime(bytes: copy bytes)
  public static func writeSYNOptions(
    maximumSegmentSize: UInt16, windowScale: UInt8, into bytes: inout MutableRawSpan, at offset: Int
  ) {
    precondition(windowScale <= Option.largestWindowScale, "RFC 7323 §2.3 limits the shift to 14")
    bytes.storeBigEndian(UInt8((size + synOptionsSize) / 4) << 4, at: offset + Field.dataOffset)
    let first = offset + size
    bytes.storeBigEndian(UInt16(Option.maximumSegmentSize) << 8 | 4, at: first)
    bytes.storeBigEndian(maximumSegmentSize, at: first + 2)
    bytes.storeBigEndian(UInt16(Option.noOperation) << 8 | UInt16(Option.windowScale), at: first + 4)
    bytes.storeBigEndian(3 << 8 | UInt16(windowScale), at: first + 6)
  }

  /// Changes sequence number and flags of the header at `offset`; the checksum is left as it is.
  ///
  /// - Precondition: a header at `offset`.
  @_lifetime(bytes: copy bytes)
  static func rewrite(sequence: UInt32, flags: TCPFlags, in bytes: inout MutableRawSpan, at offset: Int) {
    bytes.storeBigEndian(sequence, at: offset + Field.sequence)
    bytes.storeBigEndian(flags.rawValue, at: offset + Field.flags)
  }

  static let checksumOffset = Field.checksum

  private enum Field {
    static let sourcePort = 0, destinationPort = 2, sequence = 4, acknowledgment = 8, dataOffset = 12,
      flags = 13
    static let window = 14, checksum = 16, urgentPointer = 18
  }
  private enum Option {
    static let end: UInt8 = 0, noOperation: UInt8 = 1, maximumSegmentSize: UInt8 = 2, windowScale: UInt8 = 3
    static let largestWindowScale: UInt8 = 14
  }
}
