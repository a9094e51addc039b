package import Dataplane

/// The 24-byte header of a classic capture file: byte order, resolution, link type. pcap-savefile(5).
///
///      0                   1                   2                   3
///     |                          Magic number                         |
///     |         Major version         |         Minor version         |
///     |                           Reserved1                           |
///     |                           Reserved2                           |
///     |                            SnapLen                            |
///     | FCS |f|0 0 0 0 0 0 0 0 0 0 0 0|         LinkType              |
package struct CaptureHeader: Equatable, Sendable {
  package static let size = 24
  /// The most bytes a packet may have: libpcap's MAXIMUM_SNAPLEN.
  package static let largestPacket: UInt32 = 262_144

  /// Where the link type stands, in bytes from the start.
  static let linkOffset = 20

  /// Whether the file has the other byte order than this machine.
  package let isSwapped: Bool
  /// Whether timestamps have nanoseconds in place of microseconds.
  package let isNanosecond: Bool
  package let snapLength: UInt32
  /// The LINKTYPE_ number.
  package let linkNumber: UInt16
  /// Bytes of frame check sequence at the end of each packet: not counted.
  package let checkSequenceLength: UInt32

  /// - Throws: `.notACapture`, saying what the file is where that can be told.
  package init(parsing bytes: RawSpan, file: String) throws(CaptureError) {
    guard bytes.byteCount >= 4 else { throw ForeignFile.refusal(file, bytes) }
    let magic: UInt32 = bytes.loadNative(at: 0)
    switch magic {
    case Magic.microseconds: (isSwapped, isNanosecond) = (false, false)
    case Magic.nanoseconds: (isSwapped, isNanosecond) = (false, true)
    case Magic.microseconds.byteSwapped: (isSwapped, isNanosecond) = (true, false)
    case Magic.nanoseconds.byteSwapped: (isSwapped, isNanosecond) = (true, true)
    default: throw ForeignFile.refusal(file, bytes)
    }
    guard bytes.byteCount >= Self.size else {
      throw CaptureError(
        .truncated, file: file, offset: UInt64(bytes.byteCount),
        "the file ends within its capture header of \(Self.size) bytes")
    }
    let swap = isSwapped
    func word(_ offset: Int) -> UInt32 {
      let value: UInt32 = bytes.loadNative(at: offset)
      return swap ? value.byteSwapped : value
    }
    let major: UInt16 = bytes.loadNative(at: Field.majorVersion)
    guard (swap ? major.byteSwapped : major) == 2 else {
      throw CaptureError(
        .notACapture, file: file, offset: UInt64(Field.majorVersion),
        "capture format version \(swap ? major.byteSwapped : major), only version 2 is known")
    }
    snapLength = word(Field.snapLength)
    let link = word(Field.link)
    linkNumber = UInt16(truncatingIfNeeded: link)
    checkSequenceLength = link & Field.hasCheckSequence == 0 ? 0 : (link >> 28) * 2
  }

  /// How packets start, `.other` when we do not read that link.
  package var link: LinkType { LinkType(linkNumber: linkNumber) }

  /// The one interface of the capture.
  var interface: CaptureInterface {
    CaptureInterface(
      linkNumber: linkNumber, snapLength: snapLength, checkSequenceLength: checkSequenceLength,
      resolution: isNanosecond ? .nanoseconds : .microseconds, isSwapped: isSwapped)
  }

  private enum Magic {
    static let microseconds: UInt32 = 0xA1B2_C3D4
    static let nanoseconds: UInt32 = 0xA1B2_3C4D
  }
  private enum Field {
    static let majorVersion = 4, snapLength = 16, link = CaptureHeader.linkOffset
    static let hasCheckSequence: UInt32 = 0x0400_0000
  }
}
