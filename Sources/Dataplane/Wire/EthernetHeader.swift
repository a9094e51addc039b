/// Ethernet II or 802.3 header without FCS. IEEE 802.3 §3.1.1. A view: it borrows the packet's bytes.
///
///      0                   1                   2                   3
///     +-------+-------+-------+-------+-------+-------+
///     |             Destination address               |
///     +-------+-------+-------+-------+-------+-------+
///     |               Source address                  |
///     +-------+-------+-------+-------+-------+-------+
///     |  Type/length  |
///     +-------+-------+
public struct EthernetHeader: ~Escapable {
  /// Header length in bytes, tags not counted.
  public static let size = 14

  private let bytes: RawSpan

  /// Frames `bytes` as an Ethernet header and what follows it. After this no accessor can fail.
  ///
  /// - Throws: `.truncatedEthernet` below 14 bytes.
  @inline(__always)
  @_lifetime(copy bytes)
  public init(parsing bytes: RawSpan) throws(DropReason) {
    guard bytes.byteCount >= Self.size else { throw .truncatedEthernet }
    self.bytes = bytes
  }

  public var destination: MACAddress { Self.address(bytes, at: Field.destination) }
  public var source: MACAddress { Self.address(bytes, at: Field.source) }

  /// The type/length field as it is: an EtherType, a tag's TPID or an 802.3 length.
  @inline(__always) public var typeOrLength: UInt16 { bytes.loadBigEndian(at: Field.typeOrLength) }

  /// The EtherType or TPID; nil for an 802.3 frame, whose field is a length below 0x0600.
  @inline(__always) public var etherType: UInt16? {
    typeOrLength >= EtherType.minimum ? typeOrLength : nil
  }

  /// Writes a header of 14 bytes at `offset`.
  ///
  /// - Precondition: 14 bytes of room at `offset`.
  @_lifetime(bytes: copy bytes)
  public static func write(
    destination: MACAddress, source: MACAddress, etherType: UInt16, into bytes: inout MutableRawSpan,
    at offset: Int = 0
  ) {
    write(destination, into: &bytes, at: offset + Field.destination)
    write(source, into: &bytes, at: offset + Field.source)
    bytes.storeBigEndian(etherType, at: offset + Field.typeOrLength)
  }

  static func address(_ bytes: RawSpan, at offset: Int) -> MACAddress {
    let high: UInt16 = bytes.loadBigEndian(at: offset)
    let low: UInt32 = bytes.loadBigEndian(at: offset + 2)
    return MACAddress(UInt64(high) << 32 | UInt64(low))
  }

  @_lifetime(bytes: copy bytes)
  static func write(_ address: MACAddress, into bytes: inout MutableRawSpan, at offset: Int) {
    bytes.storeBigEndian(UInt16(truncatingIfNeeded: address.value >> 32), at: offset)
    bytes.storeBigEndian(UInt32(truncatingIfNeeded: address.value), at: offset + 2)
  }

  private enum Field { static let destination = 0, source = 6, typeOrLength = 12 }
}
