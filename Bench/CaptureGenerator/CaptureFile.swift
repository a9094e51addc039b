import Foundation

/// A classic pcap file being written: little-endian, microseconds, Ethernet, through one block of fixed size.
///
/// After `init` nothing is allocated but what the system's write needs once a block.
struct CaptureFile: ~Copyable {
  /// 64-bit FNV-1a of every byte handed to the file.
  private(set) var checksum: UInt64 = 0xCBF2_9CE4_8422_2325
  /// Bytes handed to the file so far.
  private(set) var byteCount = 0

  private let file: FileHandle
  private var block = [UInt8](repeating: 0, count: Self.blockByteCount)
  private var used = 0

  /// Creates or empties the file at `path` and writes the capture header.
  ///
  /// - Throws: what the system says when the file cannot be made.
  init(creating path: String) throws {
    let url = URL(fileURLWithPath: path)
    try Data().write(to: url)
    file = try FileHandle(forWritingTo: url)
    putLittleEndian(0xA1B2_C3D4)  // magic: microseconds
    putLittleEndian(4 << 16 | 2)  // version 2.4
    putLittleEndian(0)  // time zone
    putLittleEndian(0)  // accuracy
    putLittleEndian(Self.snapLength)
    putLittleEndian(1)  // LINKTYPE_ETHERNET
  }

  /// Position of the next byte in the block, for ``sum(from:)`` and ``patchBigEndian(_:at:)``.
  var position: Int { used }

  /// Starts a record of `byteCount` bytes, captured whole, `microseconds` after the epoch of the capture.
  ///
  /// The caller must write exactly that many bytes before the next record.
  ///
  /// - Throws: what the system says when a block cannot be written.
  mutating func beginRecord(byteCount: Int, microseconds: UInt64) throws {
    if used + Self.recordHeaderByteCount + byteCount > block.count { try flush() }
    putLittleEndian(Self.epochSeconds + UInt32(microseconds / 1_000_000))
    putLittleEndian(UInt32(microseconds % 1_000_000))
    putLittleEndian(UInt32(byteCount))
    putLittleEndian(UInt32(byteCount))
  }

  /// Writes one byte.
  mutating func put(_ byte: UInt8) {
    block[used] = byte
    used += 1
  }

  /// Writes two bytes in network order.
  mutating func putBigEndian(_ value: UInt16) {
    put(UInt8(truncatingIfNeeded: value >> 8))
    put(UInt8(truncatingIfNeeded: value))
  }

  /// Writes four bytes in network order.
  mutating func putBigEndian(_ value: UInt32) {
    putBigEndian(UInt16(truncatingIfNeeded: value >> 16))
    putBigEndian(UInt16(truncatingIfNeeded: value))
  }

  /// Writes `byte` `count` times; a `count` below 1 writes nothing.
  mutating func fill(_ byte: UInt8, count: Int) {
    for _ in 0..<max(0, count) { put(byte) }
  }

  /// Sum of the big-endian 16-bit words from `start` to the next byte, RFC 1071; an odd last byte is
  /// the high half of a word.
  func sum(from start: Int) -> UInt32 {
    var total: UInt32 = 0
    var index = start
    while index + 1 < used {
      total &+= UInt32(block[index]) << 8 | UInt32(block[index + 1])
      index += 2
    }
    return index < used ? total &+ UInt32(block[index]) << 8 : total
  }

  /// Replaces the two bytes at `position` of the block with `value` in network order.
  mutating func patchBigEndian(_ value: UInt16, at position: Int) {
    block[position] = UInt8(truncatingIfNeeded: value >> 8)
    block[position + 1] = UInt8(truncatingIfNeeded: value)
  }

  /// Writes what is left and closes the file.
  ///
  /// - Throws: what the system says when the last block cannot be written.
  mutating func finish() throws {
    try flush()
    try file.close()
  }

  private mutating func putLittleEndian(_ value: UInt32) {
    for shift in stride(from: 0 as UInt32, to: 32, by: 8) { put(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  private mutating func flush() throws {
    var hash = checksum
    for index in 0..<used { hash = (hash ^ UInt64(block[index])) &* 0x0100_0000_01B3 }
    checksum = hash
    byteCount += used
    try file.write(contentsOf: block[..<used])
    used = 0
  }

  /// Bytes of the file header.
  static let fileHeaderByteCount = 24
  /// Bytes of each record's header.
  static let recordHeaderByteCount = 16

  private static let snapLength: UInt32 = 65535
  /// Written at once: large enough that the system call costs nothing per packet.
  private static let blockByteCount = 1 << 20
  /// 2023-11-14 22:13:20 UTC, fixed so that a seed gives the same bytes on any day.
  private static let epochSeconds: UInt32 = 1_700_000_000
}
