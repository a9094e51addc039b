/// gzip by stored blocks, made independently of zlib. RFC 1951 §3.2.4, RFC 1952.
enum GzipBytes {
  /// One member.
  ///
  /// - Parameter checksum: what to claim; the content's own CRC when nil.
  static func member(_ content: [UInt8], checksum: UInt32? = nil) -> [UInt8] {
    var bytes: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    var rest = content[...]
    repeat {
      let part = rest.prefix(60_000)
      rest = rest.dropFirst(part.count)
      let count = UInt16(part.count)
      bytes += [rest.isEmpty ? 1 : 0] + half(count) + half(~count) + part
    } while !rest.isEmpty
    return bytes + word(checksum ?? crc(content)) + word(UInt32(truncatingIfNeeded: content.count))
  }

  private static func half(_ value: UInt16) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8)] }
  private static func word(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// CRC-32, reflected: RFC 1952 §8.
  private static func crc(_ content: [UInt8]) -> UInt32 {
    ~content.reduce(UInt32.max) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 0 ? 0 : 0xEDB8_8320) }
    }
  }
}
