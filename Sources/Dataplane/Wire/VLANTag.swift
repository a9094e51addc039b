/// The part of a VLAN tag after its TPID, and the type field that follows. IEEE 802.1Q §9.6.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-----+-+-----------------------+-------------------------------+
///     | PCP |D|          VID          |  Type/length of what follows  |
///     +-----+-+-----------------------+-------------------------------+
public struct VLANTag: ~Escapable {
  /// Bytes a tag takes.
  public static let size = 4

  /// Ours: the most tags of a packet. Provider networks use two, a tunnelled provider three.
  public static let maximumCount = 4

  private let bytes: RawSpan

  /// Frames `bytes`, which begin after the TPID. After this no accessor can fail.
  ///
  /// - Throws: `.truncatedVLANTag` below 4 bytes.
  @inline(__always)
  @_lifetime(copy bytes)
  public init(parsing bytes: RawSpan) throws(DropReason) {
    guard bytes.byteCount >= Self.size else { throw .truncatedVLANTag }
    self.bytes = bytes
  }

  /// Whether `etherType` is a TPID: 0x8100, 0x88A8 or 0x9100.
  @inline(__always) public static func isAnnounced(by etherType: UInt16) -> Bool {
    etherType == EtherType.vlan || etherType == EtherType.serviceVLAN || etherType == EtherType.oldServiceVLAN
  }

  /// VLAN identifier, 0...4095; 0 is a priority tag, which names no VLAN.
  @inline(__always) public var identifier: UInt16 { control & 0x0FFF }
  /// Priority code point, 0...7.
  public var priority: UInt8 { UInt8(truncatingIfNeeded: control >> 13) }
  public var isDropEligible: Bool { control & 0x1000 != 0 }
  /// An EtherType, another TPID or an 802.3 length.
  @inline(__always) public var typeOrLength: UInt16 { bytes.loadBigEndian(at: Field.typeOrLength) }

  @inline(__always) private var control: UInt16 { bytes.loadBigEndian(at: Field.control) }

  /// Writes the 4 bytes after a TPID at `offset`.
  ///
  /// - Precondition: 4 bytes of room at `offset`; `identifier` below 4096, `priority` below 8.
  @_lifetime(bytes: copy bytes)
  public static func write(
    identifier: UInt16, priority: UInt8 = 0, isDropEligible: Bool = false, typeOrLength: UInt16,
    into bytes: inout MutableRawSpan, at offset: Int
  ) {
    precondition(identifier < 4096 && priority < 8, "a VLAN id has 12 bits and a priority 3")
    let control = UInt16(priority) << 13 | (isDropEligible ? 0x1000 : 0) | identifier
    bytes.storeBigEndian(control, at: offset + Field.control)
    bytes.storeBigEndian(typeOrLength, at: offset + Field.typeOrLength)
  }

  private enum Field { static let control = 0, typeOrLength = 2 }
}
