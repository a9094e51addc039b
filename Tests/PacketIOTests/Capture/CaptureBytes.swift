/// Classic capture files as bytes, laid out independently of the product's code. pcap-savefile(5).
struct CaptureBytes {
  var isBigEndian = false
  var isNanosecond = false
  var snapLength: UInt32 = 262_144
  /// The whole last word of the header: link type, FCS length and its flag.
  var link: UInt32 = 1
  private(set) var records: [UInt8] = []
  /// Where each record begins in the file.
  private(set) var starts: [Int] = []

  init(isBigEndian: Bool = false, isNanosecond: Bool = false, link: UInt32 = 1) {
    self.isBigEndian = isBigEndian
    self.isNanosecond = isNanosecond
    self.link = link
  }

  private func word(_ value: UInt32) -> [UInt8] {
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
    return isBigEndian ? bytes.reversed() : bytes
  }

  private func half(_ value: UInt16) -> [UInt8] {
    let bytes = [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
    return isBigEndian ? bytes.reversed() : bytes
  }

  var header: [UInt8] {
    word(isNanosecond ? 0xA1B2_3C4D : 0xA1B2_C3D4) + half(2) + half(4) + word(0) + word(0) + word(snapLength)
      + word(link)
  }

  var bytes: [UInt8] { header + records }

  /// - Parameters:
  ///   - captured, original: lengths to claim; the packet's own when nil.
  mutating func add(
    _ packet: [UInt8], seconds: UInt32 = 1_700_000_000, fraction: UInt32 = 0, captured: UInt32? = nil,
    original: UInt32? = nil
  ) {
    starts.append(24 + records.count)
    let count = UInt32(packet.count)
    records += word(seconds) + word(fraction) + word(captured ?? count) + word(original ?? count) + packet
  }

  /// Forty packets of 0 to 400 bytes, some of them snapped.
  static func sample(isBigEndian: Bool = false, isNanosecond: Bool = false, count: Int = 40) -> CaptureBytes {
    var capture = CaptureBytes(isBigEndian: isBigEndian, isNanosecond: isNanosecond)
    for index in 0..<UInt32(count) {
      let length = Int(index * 37 % 401)
      let packet = (0..<length).map { UInt8(truncatingIfNeeded: $0 &+ Int(index)) }
      capture.add(
        packet, seconds: 1_700_000_000 + index / 3, fraction: index % 3 * 300_000 + index,
        original: UInt32(length) + (index % 5 == 0 ? 1000 : 0))
    }
    return capture
  }
}
