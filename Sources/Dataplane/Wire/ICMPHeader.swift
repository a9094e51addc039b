/// ICMP or ICMPv6 header. RFC 792, RFC 4443 §2.1. A view: it borrows the packet's bytes.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+---------------+-------------------------------+
///     |     Type      |     Code      |           Checksum            |
///     +---------------+---------------+-------------------------------+
///     |      Identifier (echo)        |     Sequence number (echo)    |
///     +-------------------------------+-------------------------------+
public struct ICMPHeader: ~Escapable {
  /// Bytes of every ICMP message before its data. RFC 792.
  public static let size = 8
  /// Bytes of the ICMPv6 header alone; its messages may be that short. RFC 4443 §2.1.
  public static let sizeV6 = 4

  private let bytes: RawSpan
  private let family: IPAddress.Family

  /// Frames `bytes` as an ICMP message of an IPv4 or IPv6 packet. After this no accessor can fail.
  ///
  /// - Throws: `.truncatedICMP` below 8 bytes, `.truncatedICMPv6` below 4.
  @_lifetime(copy bytes)
  public init(parsing bytes: RawSpan, family: IPAddress.Family) throws(DropReason) {
    switch family {
    case .ipv4: guard bytes.byteCount >= Self.size else { throw .truncatedICMP }
    case .ipv6: guard bytes.byteCount >= Self.sizeV6 else { throw .truncatedICMPv6 }
    }
    self.bytes = bytes
    self.family = family
  }

  public var type: UInt8 { bytes.loadByte(at: Field.type) }
  public var code: UInt8 { bytes.loadByte(at: Field.code) }
  public var checksum: UInt16 { bytes.loadBigEndian(at: Field.checksum) }

  /// Whether this reports trouble with a packet that it quotes. RFC 1122 §3.2.2, RFC 4443 §2.1.
  public var isError: Bool {
    switch (family, type) {
    case (.ipv4, 3), (.ipv4, 4), (.ipv4, 5), (.ipv4, 11), (.ipv4, 12): true
    case (.ipv4, _): false
    // Errors are all below 128; only of these is it known that a quote follows.
    case (.ipv6, _): (1...4).contains(type)
    }
  }
  /// Whether this is an echo request (8, 128) or reply (0, 129) with its identifier.
  public var isEcho: Bool {
    guard bytes.byteCount >= Self.size else { return false }
    switch family {
    case .ipv4: return type == 8 || type == 0
    case .ipv6: return type == 128 || type == 129
    }
  }
  /// Whether this is an echo reply.
  public var isReply: Bool { isEcho && type == (family == .ipv4 ? 0 : 129) }
  /// Identifier of an echo; 0 for other messages.
  public var identifier: UInt16 { isEcho ? bytes.loadBigEndian(at: Field.identifier) : 0 }
  /// Sequence number of an echo; 0 for other messages.
  public var sequence: UInt16 { isEcho ? bytes.loadBigEndian(at: Field.sequence) : 0 }
  /// The start of the packet an error quotes, as far as captured; empty for other messages.
  ///
  /// Senders cut it: parsed as `.rawIP` of the largest original length it is snapped, not malformed.
  public var quotedPacket: RawSpan {
    @_lifetime(copy self) get {
      isError ? bytes.extracting(droppingFirst: Self.size) : bytes.extracting(first: 0)
    }
  }

  /// Writes an echo header of 8 bytes at `offset`, checksum 0.
  ///
  /// - Precondition: 8 bytes of room at `offset`.
  @_lifetime(bytes: copy bytes)
  public static func writeEcho(
    family: IPAddress.Family, isReply: Bool, identifier: UInt16, sequence: UInt16,
    into bytes: inout MutableRawSpan, at offset: Int
  ) {
    let type: UInt8 = family == .ipv4 ? (isReply ? 0 : 8) : (isReply ? 129 : 128)
    bytes.storeBigEndian(type, at: offset + Field.type)
    bytes.storeBigEndian(UInt8(0), at: offset + Field.code)
    bytes.storeBigEndian(UInt16(0), at: offset + Field.checksum)
    bytes.storeBigEndian(identifier, at: offset + Field.identifier)
    bytes.storeBigEndian(sequence, at: offset + Field.sequence)
  }

  static let checksumOffset = Field.checksum

  private enum Field { static let type = 0, code = 1, checksum = 2, identifier = 4, sequence = 6 }
}
