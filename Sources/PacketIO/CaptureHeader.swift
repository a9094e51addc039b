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
    guard bytes.byteCount >= 4 else { throw Self.refusal(file, bytes) }
    let magic: UInt32 = bytes.loadNative(at: 0)
    switch magic {
    case Magic.microseconds: (isSwapped, isNanosecond) = (false, false)
    case Magic.nanoseconds: (isSwapped, isNanosecond) = (false, true)
    case Magic.microseconds.byteSwapped: (isSwapped, isNanosecond) = (true, false)
    case Magic.nanoseconds.byteSwapped: (isSwapped, isNanosecond) = (true, true)
    default: throw Self.refusal(file, bytes)
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
  package var link: LinkType {
    switch linkNumber {
    case 0: .bsdNull
    case 1: .ethernet
    // DLT_RAW has these numbers on different systems; LINKTYPE_RAW, _IPV4, _IPV6.
    case 12, 14, 101, 228, 229: .rawIP
    case 108: .bsdLoop
    case 113: .linuxCooked
    case 276: .linuxCooked2
    default: .other
    }
  }

  /// An error that says what the file seems to be.
  private static func refusal(_ file: String, _ bytes: RawSpan) -> CaptureError {
    if bytes.byteCount == 0 {
      return CaptureError(
        .notACapture, file: file, offset: 0, "the file is empty: a capture has at least a header")
    }
    let magic: UInt32 = bytes.byteCount >= 4 ? bytes.loadBigEndian(at: 0) : 0
    let found: String
    switch magic {
    case Magic.pcapng:
      found = "a pcapng file; convert it with \"editcap -F pcap IN OUT\""
    case _ where magic >> 16 == Magic.gzip:
      found = "a gzip file; unpack it with \"gunzip\""
    case Magic.modified, Magic.modified.byteSwapped:
      found = "a modified pcap file (Kuznetzov); convert it with \"editcap -F pcap IN OUT\""
    default:
      let shown = (0..<min(bytes.byteCount, 4)).map { hex(bytes.loadByte(at: $0)) }
      found = "it begins with bytes \(shown.joined(separator: " "))"
    }
    return CaptureError(.notACapture, file: file, offset: 0, "not a classic pcap capture: \(found)")
  }

  private static func hex(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }

  private enum Magic {
    static let microseconds: UInt32 = 0xA1B2_C3D4
    static let nanoseconds: UInt32 = 0xA1B2_3C4D
    static let modified: UInt32 = 0xA1B2_CD34
    static let pcapng: UInt32 = 0x0A0D_0D0A
    static let gzip: UInt32 = 0x1F8B
  }
  private enum Field {
    static let majorVersion = 4, snapLength = 16, link = CaptureHeader.linkOffset
    static let hasCheckSequence: UInt32 = 0x0400_0000
  }
}
