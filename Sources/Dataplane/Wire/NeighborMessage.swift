/// A neighbor solicitation or advertisement of ICMPv6. RFC 4861 §4.3, §4.4.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+---------------+-------------------------------+
///     |  Type 135/136 |     Code 0    |           Checksum            |
///     +-+-+-+---------+---------------+-------------------------------+
///     |R|S|O|                     Reserved                            |
///     +-+-+-+---------------------------------------------------------+
///     |                   Target address (128 bits)                   |
///     +---------------+---------------+-------------------------------+
///     | Options: type, length in units of 8 bytes, ...
public struct NeighborMessage: BitwiseCopyable, Sendable {
  public var isSolicitation: Bool
  /// Of an advertisement: it answers a solicitation; it replaces what is known.
  public var isSolicited = false
  public var isOverride = false
  public var target: IPAddress
  /// The source's (solicitation) or target's (advertisement) address on the link, if it is told.
  public var linkAddress: MACAddress?

  public init(isSolicitation: Bool, target: IPAddress, linkAddress: MACAddress?) {
    self.isSolicitation = isSolicitation
    self.target = target
    self.linkAddress = linkAddress
  }

  /// Bytes without options, and of the option with an Ethernet address.
  public static let size = 24
  public static let optionSize = 8

  /// Whether an ICMPv6 message of this type is one of the two.
  public static func isType(_ type: UInt8) -> Bool { type == Self.solicitation || type == Self.advertisement }

  /// Reads an ICMPv6 message that is one by its type. Checksum and hop limit are the caller's to verify.
  ///
  /// - Throws: `.badNeighborMessage` for another code, a message or option that is cut, an option of length
  ///   0 and a target that is multicast. RFC 4861 §7.1.
  public init(parsing bytes: RawSpan) throws(DropReason) {
    guard bytes.byteCount >= Self.size, Self.isType(bytes.loadByte(at: 0)), bytes.loadByte(at: 1) == 0 else {
      throw .badNeighborMessage
    }
    isSolicitation = bytes.loadByte(at: 0) == Self.solicitation
    let flags = bytes.loadByte(at: 4)
    if !isSolicitation {
      isSolicited = flags & Flag.solicited != 0
      isOverride = flags & Flag.override != 0
    }
    target = IPAddress(
      ipv6High: bytes.loadBigEndian(at: 8, as: UInt64.self), low: bytes.loadBigEndian(at: 16, as: UInt64.self)
    )
    guard !target.isMulticast else { throw .badNeighborMessage }
    linkAddress = nil
    var offset = Self.size
    while offset < bytes.byteCount {
      guard bytes.byteCount - offset >= 2 else { throw .badNeighborMessage }
      let type = bytes.loadByte(at: offset)
      let length = Int(bytes.loadByte(at: offset + 1)) * 8
      guard length > 0, length <= bytes.byteCount - offset else { throw .badNeighborMessage }
      if type == (isSolicitation ? Option.source : Option.target), length == Self.optionSize {
        linkAddress = EthernetHeader.address(bytes, at: offset + 2)
      }
      offset += length
    }
  }

  /// Bytes that `write` fills.
  public var length: Int { Self.size + (linkAddress == nil ? 0 : Self.optionSize) }

  /// Writes the message at `offset`, checksum included.
  ///
  /// - Precondition: `length` bytes of room.
  @_lifetime(bytes: copy bytes)
  public func write(
    source: IPAddress, destination: IPAddress, into bytes: inout MutableRawSpan, at offset: Int
  ) {
    bytes.storeBigEndian(isSolicitation ? Self.solicitation : Self.advertisement, at: offset)
    bytes.storeBigEndian(UInt8(0), at: offset + 1)
    let flags = (isSolicited ? Flag.solicited : 0) | (isOverride ? Flag.override : 0) | Flag.router
    bytes.storeBigEndian(isSolicitation ? UInt32(0) : UInt32(flags) << 24, at: offset + 4)
    bytes.storeBigEndian(target.high, at: offset + 8)
    bytes.storeBigEndian(target.low, at: offset + 16)
    if let linkAddress {
      bytes.storeBigEndian(isSolicitation ? Option.source : Option.target, at: offset + Self.size)
      bytes.storeBigEndian(UInt8(1), at: offset + Self.size + 1)
      EthernetHeader.write(linkAddress, into: &bytes, at: offset + Self.size + 2)
    }
    Checksum.fill(
      .icmpv6, source: source, destination: destination, length: length, into: &bytes, at: offset)
  }

  private static let solicitation: UInt8 = 135
  private static let advertisement: UInt8 = 136
  private enum Option { static let source: UInt8 = 1, target: UInt8 = 2 }
  private enum Flag { static let router: UInt8 = 0x80, solicited: UInt8 = 0x40, override: UInt8 = 0x20 }
}
