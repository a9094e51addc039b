import Dataplane

extension CaptureInterface {
  /// Why an interface description cannot be read.
  struct Refusal: Error { let message: String }

  /// Reads an Interface Description Block. draft-ietf-opsawg-pcapng §4.2.
  ///
  ///     |           LinkType            |           Reserved            |
  ///     |                            SnapLen                            |
  ///     |                            Options                            |
  ///
  /// - Parameters:
  ///   - body: the block's body, at least 8 bytes.
  ///   - isSwapped: whether the section has the other byte order than this machine.
  init(parsing body: RawSpan, isSwapped: Bool) throws(Refusal) {
    func native<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int) -> T {
      let value: T = body.loadNative(at: offset)
      return isSwapped ? value.byteSwapped : value
    }
    self.isSwapped = isSwapped
    linkNumber = native(0)
    let snapped: UInt32 = native(4)
    // 0 is no limit.
    snapLength = snapped == 0 ? CaptureHeader.largestPacket : snapped
    checkSequenceLength = 0
    var (unit, offsetSeconds): (UInt8, Int64) = (6, 0)
    var place = 8
    while place + 4 <= body.byteCount {
      let code: UInt16 = native(place)
      let length = Int(native(place + 2) as UInt16)
      if code == Option.end { break }
      let value = place + 4
      guard value + length <= body.byteCount else {
        throw Refusal(
          message: "option \(code) of an interface runs past its block: it claims \(length) bytes")
      }
      if let wanted = Option.lengths[code], wanted != length {
        throw Refusal(message: "option \(code) of an interface has \(length) bytes: \(wanted) are wanted")
      }
      switch code {
      case Option.resolution: unit = body.loadByte(at: value)
      case Option.timeOffset: offsetSeconds = native(value)
      case Option.checkSequence: checkSequenceLength = Self.octets(ofCheckSequence: body.loadByte(at: value))
      default: break
      }
      place = value + (length + 3) & ~3
    }
    resolution = TimestampResolution(option: unit, offsetSeconds: offsetSeconds)
  }

  /// The draft counts the frame check sequence in bits, but its example and programs count octets: 32 and 4
  /// are both an Ethernet's.
  private static func octets(ofCheckSequence value: UInt8) -> UInt32 {
    value >= 16 ? UInt32(value) / 8 : UInt32(value)
  }

  private enum Option {
    static let end: UInt16 = 0, resolution: UInt16 = 9, checkSequence: UInt16 = 13, timeOffset: UInt16 = 14
    static let lengths: [UInt16: Int] = [resolution: 1, checkSequence: 1, timeOffset: 8]
  }
}
