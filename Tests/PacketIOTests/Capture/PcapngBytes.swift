/// pcapng captures as bytes, laid out independently of the product's code. draft-ietf-opsawg-pcapng.
struct PcapngBytes {
  var isBigEndian = false
  private(set) var bytes: [UInt8] = []
  /// Where each block begins, in the order in which they were added.
  private(set) var starts: [Int] = []

  init(isBigEndian: Bool = false) { self.isBigEndian = isBigEndian }

  struct Option {
    var code: UInt16
    var value: [UInt8]
  }

  func word(_ value: UInt32) -> [UInt8] {
    order((0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
  }
  func half(_ value: UInt16) -> [UInt8] {
    order((0..<2).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
  }
  func double(_ value: UInt64) -> [UInt8] {
    order((0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) })
  }
  private func order(_ little: [UInt8]) -> [UInt8] { isBigEndian ? little.reversed() : little }

  private func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
  }

  private func options(_ list: [Option]) -> [UInt8] {
    if list.isEmpty { return [] }
    return list.flatMap { half($0.code) + half(UInt16($0.value.count)) + padded($0.value) } + word(0)
  }

  /// - Parameters:
  ///   - length, end: the lengths to claim; the block's own when nil.
  mutating func block(_ type: UInt32, _ body: [UInt8], length: UInt32? = nil, end: UInt32? = nil) {
    starts.append(bytes.count)
    let own = UInt32(12 + body.count)
    bytes += word(type) + word(length ?? own) + body + word(end ?? own)
  }

  mutating func section(version: UInt16 = 1, _ list: [Option] = []) {
    block(0x0A0D_0D0A, word(0x1A2B_3C4D) + half(version) + half(0) + double(.max) + options(list))
  }

  mutating func interface(link: UInt16 = 1, snapLength: UInt32 = 0, _ list: [Option] = []) {
    block(1, half(link) + half(0) + word(snapLength) + options(list))
  }

  mutating func enhanced(
    _ packet: [UInt8], interface: UInt32 = 0, ticks: UInt64 = 0, captured: UInt32? = nil,
    original: UInt32? = nil,
    _ list: [Option] = []
  ) {
    let count = UInt32(packet.count)
    block(
      6,
      word(interface) + word(UInt32(truncatingIfNeeded: ticks >> 32))
        + word(UInt32(truncatingIfNeeded: ticks))
        + word(captured ?? count) + word(original ?? count) + padded(packet) + options(list))
  }

  mutating func simple(_ packet: [UInt8], original: UInt32? = nil) {
    block(3, word(original ?? UInt32(packet.count)) + padded(packet))
  }

  mutating func obsolete(_ packet: [UInt8], interface: UInt16 = 0, ticks: UInt64 = 0) {
    let count = UInt32(packet.count)
    block(
      2,
      half(interface) + half(7) + word(UInt32(truncatingIfNeeded: ticks >> 32))
        + word(UInt32(truncatingIfNeeded: ticks)) + word(count) + word(count) + padded(packet))
  }

  /// A section with every kind of block: two interfaces, packets of 0 to 400 bytes, statistics between them.
  static func sample(isBigEndian: Bool = false, count: Int = 40) -> PcapngBytes {
    var capture = PcapngBytes(isBigEndian: isBigEndian)
    capture.section([Option(code: 4, value: Array("a test".utf8))])
    capture.interface([Option(code: 2, value: Array("eth0".utf8)), Option(code: 9, value: [9])])
    capture.interface(link: 113, snapLength: 96)
    for index in 0..<UInt64(count) {
      let length = Int(index * 37 % 401)
      let packet = (0..<length).map { UInt8(truncatingIfNeeded: $0 &+ Int(index)) }
      let seconds = 1_700_000_000 + index / 3
      switch index % 7 {
      case 0...3:
        capture.enhanced(
          packet, ticks: seconds * 1_000_000_000 + index,
          original: UInt32(length) + (index % 5 == 0 ? 1000 : 0),
          index % 2 == 0 ? [] : [Option(code: 2, value: [0, 0, 0, 1])])
      case 4: capture.enhanced(packet, interface: 1, ticks: seconds * 1_000_000 + index)
      case 5: capture.obsolete(packet, interface: 1, ticks: seconds * 1_000_000 + index)
      default: capture.simple(packet)
      }
      if index % 6 == 2 { capture.block(5, [UInt8](repeating: 0x55, count: 12 + 4 * length)) }
      if index % 9 == 1 { capture.block(0x8000_0001, []) }
    }
    return capture
  }
}
