import Dataplane

/// The beginning of a pcapng block, checked. draft-ietf-opsawg-pcapng §3.1.
///
///     |                          Block Type                           |
///     |                      Block Total Length                       |
///     |                          Block Body                           |
///     |                      Block Total Length                       |
struct PcapngBlock {
  /// Type, and length at either end: the smallest block.
  static let smallest = 12
  /// Bytes before the body.
  static let bodyOffset = 8
  /// The most bytes of a block whose body is read: a packet of the largest size, and as much of options.
  static let largest = FileBlock.capacity

  /// §4.1 to §4.5, and the obsolete Packet Block of appendix A.
  enum Kind: UInt32 {
    case section = 0x0A0D_0D0A
    case interface = 1
    case packet = 2
    case simplePacket = 3
    case enhancedPacket = 6
  }

  /// nil for the blocks that are passed over.
  let kind: Kind?
  /// Bytes of the whole block, a multiple of 4 and at least `smallest`.
  let length: Int

  /// Whether its body is looked at, so that it has to be there as a whole.
  var isRead: Bool { kind != nil && kind != .section }

  /// What is wrong with the length at the block's beginning; nil when nothing is.
  static func fault(ofLength length: UInt32, _ kind: Kind?) -> String? {
    let least =
      switch kind {
      case .section: 28
      case .interface: 20
      case .packet, .enhancedPacket: 32
      case .simplePacket: 16
      case nil: smallest
      }
    if length < least || length % 4 != 0 {
      return "a block claims \(length) bytes: a multiple of 4, and at least \(least), is wanted"
    }
    if kind != nil, kind != .section, length > largest {
      return "a block claims \(length) bytes, more than the limit of \(largest)"
    }
    return nil
  }
}

/// Reads numbers of a section's byte order.
struct PcapngOrder {
  /// Whether the section has the other byte order than this machine.
  var isSwapped = false

  /// Byte-order magic of a section header, §4.1, and that of the other order.
  static let magic: UInt32 = 0x1A2B_3C4D

  /// - Safety: the number's bytes are readable at `place`; so below.
  @unsafe @inline(__always) func word(_ place: UnsafeRawPointer, _ offset: Int) -> UInt32 {
    let value = unsafe place.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    return isSwapped ? value.byteSwapped : value
  }

  @unsafe @inline(__always) func half(_ place: UnsafeRawPointer, _ offset: Int) -> UInt16 {
    let value = unsafe place.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
    return isSwapped ? value.byteSwapped : value
  }
}
