/// IPv4 header, RFC 791 §3.1. A view: it borrows the packet's bytes. The checksum is not verified here.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------+-------+---------------+-------------------------------+
///     |Version|  IHL  |Type of Service|          Total Length         |
///     +-------+-------+---------------+-----+-------------------------+
///     |         Identification        |Flags|     Fragment Offset     |
///     +---------------+---------------+-----+-------------------------+
///     |  Time to Live |    Protocol   |        Header Checksum        |
///     +---------------+---------------+-------------------------------+
///     |                       Source Address                          |
///     +---------------------------------------------------------------+
///     |                    Destination Address                        |
///     +---------------------------------------------------------------+
///     |                    Options                    |    Padding    |
///     +-----------------------------------------------+---------------+
public struct IPv4Header: ~Escapable {
  /// Length without options, in bytes.
  public static let size = 20

  private let bytes: RawSpan

  /// Frames `bytes` as an IPv4 packet of which `originalLength` bytes were on the wire.
  ///
  /// The 20 fixed bytes must have been captured; options and payload may have been cut. After this no
  /// accessor can fail.
  ///
  /// - Throws: `.truncatedIPv4` below 20 bytes; `.badIPv4Version`; `.badIPv4HeaderLength` and
  ///   `.badIPv4TotalLength` for lengths that contradict each other or `originalLength`.
  @inline(__always)
  @_lifetime(copy bytes)
  public init(parsing bytes: RawSpan, originalLength: Int) throws(DropReason) {
    guard bytes.byteCount >= Self.size else { throw .truncatedIPv4 }
    self.bytes = bytes
    guard bytes.loadByte(at: Field.versionAndLength) >> 4 == 4 else { throw .badIPv4Version }
    let headerLength = headerLength
    guard headerLength >= Self.size, headerLength <= originalLength else { throw .badIPv4HeaderLength }
    let length = length(within: originalLength)
    guard length >= headerLength, length <= originalLength else { throw .badIPv4TotalLength }
  }

  /// As ``init(parsing:originalLength:)`` for a packet that was captured whole.
  @_lifetime(copy bytes)
  public init(parsing bytes: RawSpan) throws(DropReason) {
    try self.init(parsing: bytes, originalLength: bytes.byteCount)
  }

  /// Frames bytes that were parsed before, which ``Frame`` remembers.
  @inline(__always)
  @_lifetime(copy bytes)
  init(parsedBefore bytes: RawSpan) { self.bytes = bytes }

  /// Header with options in bytes, 20...60.
  @inline(__always) public var headerLength: Int {
    Int(bytes.loadByte(at: Field.versionAndLength) & 0x0F) << 2
  }
  /// DSCP in the high six bits, ECN in the low two. RFC 2474, RFC 3168.
  public var typeOfService: UInt8 { bytes.loadByte(at: Field.typeOfService) }
  /// The total length field as it is; 0 when the sender's segmentation offload left it to the device.
  @inline(__always) public var totalLength: UInt16 { bytes.loadBigEndian(at: Field.totalLength) }
  /// Header and payload in bytes: the total length, or all of `originalLength` when that field is 0.
  @inline(__always) public func length(within originalLength: Int) -> Int {
    let field = Int(totalLength)
    return field == 0 ? originalLength : field
  }
  public var identification: UInt16 { bytes.loadBigEndian(at: Field.identification) }
  public var dontFragment: Bool { fragmentation & 0x4000 != 0 }
  public var moreFragments: Bool { fragmentation & 0x2000 != 0 }
  /// Position of this fragment's payload in the datagram, in bytes.
  public var fragmentOffset: Int { Int(fragmentation & 0x1FFF) << 3 }
  /// Whether this is a part of a datagram: offset not 0, or more fragments follow.
  @inline(__always) public var isFragment: Bool { fragmentation & 0x3FFF != 0 }
  public var timeToLive: UInt8 { bytes.loadByte(at: Field.timeToLive) }
  @inline(__always) public var protocolNumber: UInt8 { bytes.loadByte(at: Field.protocolNumber) }
  public var checksum: UInt16 { bytes.loadBigEndian(at: Field.checksum) }
  /// The source address as a number: 10.0.0.1 is 0x0A000001.
  @inline(__always) public var sourceValue: UInt32 { bytes.loadBigEndian(at: Field.source) }
  /// The destination address as a number.
  @inline(__always) public var destinationValue: UInt32 { bytes.loadBigEndian(at: Field.destination) }
  @inline(__always) public var source: IPAddress { IPAddress(ipv4: sourceValue) }
  @inline(__always) public var destination: IPAddress { IPAddress(ipv4: destinationValue) }
  /// Options and padding, as far as captured.
  public var options: RawSpan {
    @_lifetime(copy self) get { bytes.extracting(first: headerLength).extracting(droppingFirst: Self.size) }
  }

  @inline(__always) private var fragmentation: UInt16 { bytes.loadBigEndian(at: Field.fragmentation) }

  /// Writes a header of 20 bytes without options at `offset`, checksum included.
  ///
  /// - Precondition: 20 bytes of room at `offset`; both addresses are IPv4; `totalLength` is 20...65535;
  ///   `fragmentOffset` is a multiple of 8 below 65536.
  @_lifetime(bytes: copy bytes)
  public static func write(
    source: IPAddress, destination: IPAddress, protocolNumber: UInt8, totalLength: Int,
    timeToLive: UInt8 = 64,
    typeOfService: UInt8 = 0, identification: UInt16 = 0, dontFragment: Bool = false,
    moreFragments: Bool = false,
    fragmentOffset: Int = 0, into bytes: inout MutableRawSpan, at offset: Int
  ) {
    precondition(source.family == .ipv4 && destination.family == .ipv4, "an IPv4 header holds IPv4 addresses")
    precondition(totalLength >= size && totalLength <= 0xFFFF, "the total length field has 16 bits")
    precondition(
      fragmentOffset >= 0 && fragmentOffset <= 0xFFF8 && fragmentOffset & 7 == 0, "counted in 8 bytes")
    let flags: UInt16 = (dontFragment ? 0x4000 : 0) | (moreFragments ? 0x2000 : 0)
    bytes.storeBigEndian(UInt8(0x45), at: offset + Field.versionAndLength)
    bytes.storeBigEndian(typeOfService, at: offset + Field.typeOfService)
    bytes.storeBigEndian(UInt16(totalLength), at: offset + Field.totalLength)
    bytes.storeBigEndian(identification, at: offset + Field.identification)
    bytes.storeBigEndian(flags | UInt16(fragmentOffset >> 3), at: offset + Field.fragmentation)
    bytes.storeBigEndian(timeToLive, at: offset + Field.timeToLive)
    bytes.storeBigEndian(protocolNumber, at: offset + Field.protocolNumber)
    bytes.storeBigEndian(UInt16(0), at: offset + Field.checksum)
    bytes.storeBigEndian(source.ipv4Value, at: offset + Field.source)
    bytes.storeBigEndian(destination.ipv4Value, at: offset + Field.destination)
    let checksum = Checksum.of(bytes.bytes.extracting(offset..<offset + size))
    bytes.storeBigEndian(checksum, at: offset + Field.checksum)
  }

  /// Changes total length and identification of the header at `offset`, and its checksum by as much: one that
  /// was wrong stays wrong.
  ///
  /// - Precondition: a header at `offset`.
  @_lifetime(bytes: copy bytes)
  static func rewrite(
    totalLength: UInt16, identification: UInt16, in bytes: inout MutableRawSpan, at offset: Int
  ) {
    let length: UInt16 = bytes.bytes.loadBigEndian(at: offset + Field.totalLength)
    let number: UInt16 = bytes.bytes.loadBigEndian(at: offset + Field.identification)
    var checksum: UInt16 = bytes.bytes.loadBigEndian(at: offset + Field.checksum)
    checksum = Checksum.adjusted(checksum, from: length, to: totalLength)
    checksum = Checksum.adjusted(checksum, from: number, to: identification)
    bytes.storeBigEndian(totalLength, at: offset + Field.totalLength)
    bytes.storeBigEndian(identification, at: offset + Field.identification)
    bytes.storeBigEndian(checksum, at: offset + Field.checksum)
  }

  private enum Field {
    static let versionAndLength = 0, typeOfService = 1, totalLength = 2, identification = 4, fragmentation = 6
    static let timeToLive = 8, protocolNumber = 9, checksum = 10, source = 12, destination = 16
  }
}
