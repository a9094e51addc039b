/// IPv6 header, RFC 8200 §3. A view: it borrows the packet's bytes.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------+---------------+---------------------------------------+
///     |Version| Traffic Class |               Flow Label              |
///     +-------+---------------+-------+---------------+---------------+
///     |         Payload Length        |  Next Header  |   Hop Limit   |
///     +-------------------------------+---------------+---------------+
///     |                  Source Address (128 bits)                    |
///     +---------------------------------------------------------------+
///     |                Destination Address (128 bits)                 |
///     +---------------------------------------------------------------+
public struct IPv6Header: ~Escapable {
  /// Length in bytes, extension headers not counted.
  public static let size = 40

  private let bytes: RawSpan

  /// Frames `bytes` as an IPv6 packet of which `originalLength` bytes were on the wire.
  ///
  /// The 40 bytes must have been captured; what follows may have been cut. After this no accessor can fail.
  ///
  /// - Throws: `.truncatedIPv6` below 40 bytes; `.badIPv6Version`; `.badIPv6PayloadLength` if the payload
  ///   runs beyond `originalLength`.
  @inline(__always)
  @_lifetime(copy bytes)
  public init(parsing bytes: RawSpan, originalLength: Int) throws(DropReason) {
    guard bytes.byteCount >= Self.size else { throw .truncatedIPv6 }
    self.bytes = bytes
    guard bytes.loadByte(at: Field.versionClassAndLabel) >> 4 == 6 else { throw .badIPv6Version }
    guard Int(payloadLength) <= originalLength - Self.size else { throw .badIPv6PayloadLength }
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

  /// DSCP in the high six bits, ECN in the low two. RFC 2474, RFC 3168.
  public var trafficClass: UInt8 { UInt8(truncatingIfNeeded: firstWord >> 20) }
  /// 20 bits. RFC 6437.
  public var flowLabel: UInt32 { firstWord & 0xF_FFFF }
  /// Bytes after this header; 0 also for a jumbogram. RFC 2675.
  @inline(__always) public var payloadLength: UInt16 { bytes.loadBigEndian(at: Field.payloadLength) }
  @inline(__always) public var nextHeader: UInt8 { bytes.loadByte(at: Field.nextHeader) }
  public var hopLimit: UInt8 { bytes.loadByte(at: Field.hopLimit) }
  /// Whether the payload length is left to a jumbo payload option. RFC 2675 §2.
  @inline(__always) public var mayBeJumbogram: Bool {
    payloadLength == 0 && nextHeader == IPProtocol.hopByHopOptions
  }
  /// Bits 127...64 of the source address.
  @inline(__always) public var sourceHigh: UInt64 { bytes.loadBigEndian(at: Field.source) }
  /// Bits 63...0 of the source address.
  @inline(__always) public var sourceLow: UInt64 { bytes.loadBigEndian(at: Field.source + 8) }
  /// Bits 127...64 of the destination address.
  @inline(__always) public var destinationHigh: UInt64 { bytes.loadBigEndian(at: Field.destination) }
  /// Bits 63...0 of the destination address.
  @inline(__always) public var destinationLow: UInt64 { bytes.loadBigEndian(at: Field.destination + 8) }
  @inline(__always) public var source: IPAddress { IPAddress(ipv6High: sourceHigh, low: sourceLow) }
  @inline(__always) public var destination: IPAddress {
    IPAddress(ipv6High: destinationHigh, low: destinationLow)
  }

  private var firstWord: UInt32 { bytes.loadBigEndian(at: Field.versionClassAndLabel) }

  /// Writes a header of 40 bytes at `offset`.
  ///
  /// - Precondition: 40 bytes of room at `offset`; both addresses are IPv6; `payloadLength` is 0...65535;
  ///   `flowLabel` has 20 bits.
  @_lifetime(bytes: copy bytes)
  public static func write(
    source: IPAddress, destination: IPAddress, nextHeader: UInt8, payloadLength: Int, hopLimit: UInt8 = 64,
    trafficClass: UInt8 = 0, flowLabel: UInt32 = 0, into bytes: inout MutableRawSpan, at offset: Int
  ) {
    precondition(source.family == .ipv6 && destination.family == .ipv6, "an IPv6 header holds IPv6 addresses")
    precondition(payloadLength >= 0 && payloadLength <= 0xFFFF, "the payload length field has 16 bits")
    precondition(flowLabel <= 0xF_FFFF, "a flow label has 20 bits")
    let word = 6 << 28 | UInt32(trafficClass) << 20 | flowLabel
    bytes.storeBigEndian(word, at: offset + Field.versionClassAndLabel)
    bytes.storeBigEndian(UInt16(payloadLength), at: offset + Field.payloadLength)
    bytes.storeBigEndian(nextHeader, at: offset + Field.nextHeader)
    bytes.storeBigEndian(hopLimit, at: offset + Field.hopLimit)
    bytes.storeBigEndian(source.high, at: offset + Field.source)
    bytes.storeBigEndian(source.low, at: offset + Field.source + 8)
    bytes.storeBigEndian(destination.high, at: offset + Field.destination)
    bytes.storeBigEndian(destination.low, at: offset + Field.destination + 8)
  }

  /// Changes the payload length of the header at `offset`.
  ///
  /// - Precondition: a header at `offset`.
  @_lifetime(bytes: copy bytes)
  static func rewrite(payloadLength: UInt16, in bytes: inout MutableRawSpan, at offset: Int) {
    bytes.storeBigEndian(payloadLength, at: offset + Field.payloadLength)
  }

  private enum Field {
    static let versionClassAndLabel = 0, payloadLength = 4, nextHeader = 6, hopLimit = 7
    static let source = 8, destination = 24
  }
}
