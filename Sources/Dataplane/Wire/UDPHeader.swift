/// UDP header, RFC 768. A view: it borrows the packet's bytes. The checksum is not verified here.
///
///      0      7 8     15 16    23 24    31
///     +--------+--------+--------+--------+
///     |   Source Port   | Destination Port|
///     +--------+--------+--------+--------+
///     |     Length      |    Checksum     |
///     +--------+--------+--------+--------+
public struct UDPHeader: ~Escapable {
  /// Header length in bytes.
  public static let size = 8

  private let bytes: RawSpan

  /// Frames `bytes` as a datagram in an IP payload of `datagramLength` bytes.
  ///
  /// The header must have been captured; the payload may have been cut. For the first fragment of a
  /// datagram pass 65,535, since its length is not known. After this no accessor can fail.
  ///
  /// - Throws: `.truncatedUDP` below 8 bytes; `.badUDPLength` if the length field is below 8 or beyond
  ///   `datagramLength`. Length 0 is a jumbogram's (RFC 2675 §4) and good beyond 65,535 bytes only.
  @inline(__always)
  @_lifetime(copy bytes)
  public init(parsing bytes: RawSpan, datagramLength: Int) throws(DropReason) {
    guard bytes.byteCount >= Self.size else { throw .truncatedUDP }
    self.bytes = bytes
    let length = Int(length)
    if length >= Self.size, length <= datagramLength { return }
    guard length == 0, datagramLength > 0xFFFF else { throw .badUDPLength }
  }

  /// As ``init(parsing:datagramLength:)`` for a datagram that was captured whole.
  @_lifetime(copy bytes)
  public init(parsing bytes: RawSpan) throws(DropReason) {
    try self.init(parsing: bytes, datagramLength: bytes.byteCount)
  }

  /// Frames bytes that were parsed before, which ``Frame`` remembers.
  @inline(__always)
  @_lifetime(copy bytes)
  init(parsedBefore bytes: RawSpan) { self.bytes = bytes }

  @inline(__always) public var sourcePort: UInt16 { bytes.loadBigEndian(at: Field.sourcePort) }
  @inline(__always) public var destinationPort: UInt16 { bytes.loadBigEndian(at: Field.destinationPort) }
  /// Header and payload in bytes; 0 for a jumbogram.
  @inline(__always) public var length: UInt16 { bytes.loadBigEndian(at: Field.length) }
  /// 0 over IPv4 means that the sender made none.
  public var checksum: UInt16 { bytes.loadBigEndian(at: Field.checksum) }
  /// The payload as far as captured, without what follows the datagram.
  public var payload: RawSpan {
    @_lifetime(copy self) get {
      let whole = length == 0 ? bytes : bytes.extracting(first: Int(length))
      return whole.extracting(droppingFirst: Self.size)
    }
  }

  /// Whether either port is the one of IPsec NAT traversal. RFC 3948 §2.
  @inline(__always) public var usesNATTraversalPort: Bool {
    sourcePort == Self.natTraversalPort || destinationPort == Self.natTraversalPort
  }

  /// Whether the payload is an ESP packet: NAT traversal port, room for an ESP header, and neither the
  /// non-ESP marker of IKE (four zero bytes) nor a keepalive (one byte 0xFF). RFC 3948 §2.
  ///
  /// The SPI must have been captured, else false.
  @inline(never)
  public var carriesESP: Bool {
    let payload = payload
    guard usesNATTraversalPort, Int(length) >= Self.size + ESPHeader.size, payload.byteCount >= 4 else {
      return false
    }
    return payload.loadBigEndian(at: 0, as: UInt32.self) != Self.nonESPMarker
  }

  /// Writes a header of 8 bytes at `offset`, checksum 0, which over IPv4 means none.
  ///
  /// - Precondition: 8 bytes of room at `offset`; `length` (header and payload) is 8...65535.
  @_lifetime(bytes: copy bytes)
  public static func write(
    sourcePort: UInt16, destinationPort: UInt16, length: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) {
    precondition(length >= size && length <= 0xFFFF, "the length field has 16 bits and counts the header")
    bytes.storeBigEndian(sourcePort, at: offset + Field.sourcePort)
    bytes.storeBigEndian(destinationPort, at: offset + Field.destinationPort)
    bytes.storeBigEndian(UInt16(length), at: offset + Field.length)
    bytes.storeBigEndian(UInt16(0), at: offset + Field.checksum)
  }

  /// Changes the length of the header at `offset`; the checksum is left as it is.
  ///
  /// - Precondition: a header at `offset`.
  @_lifetime(bytes: copy bytes)
  static func rewrite(length: UInt16, in bytes: inout MutableRawSpan, at offset: Int) {
    bytes.storeBigEndian(length, at: offset + Field.length)
  }

  static let checksumOffset = Field.checksum

  /// RFC 3948 §2.
  static let natTraversalPort: UInt16 = 4500
  /// RFC 3948 §2.2.
  private static let nonESPMarker: UInt32 = 0
  private enum Field { static let sourcePort = 0, destinationPort = 2, length = 4, checksum = 6 }
}
