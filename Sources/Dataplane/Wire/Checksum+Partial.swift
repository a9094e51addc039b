extension Checksum {
  /// Completes a checksum that the sender left to the device.
  ///
  /// The field holds the sum of the pseudo header, not complemented; the sum of everything from `start` to
  /// the end takes its place, 0xFFFF where it is 0, as UDP demands (RFC 768) and all others allow.
  ///
  /// - Parameters:
  ///   - start: bytes before the first one that is summed.
  ///   - field: bytes from `start` to the checksum.
  /// - Returns: false, with the bytes unchanged, when the field is not behind `start` and inside the packet.
  @_lifetime(bytes: copy bytes)
  package static func complete(_ bytes: inout MutableRawSpan, start: Int, field: Int) -> Bool {
    guard start >= 0, field >= 0, start + field + 2 <= bytes.byteCount else { return false }
    let value = of(bytes.bytes.extracting(droppingFirst: start))
    bytes.storeBigEndian(value == 0 ? 0xFFFF : value, at: start + field)
    return true
  }
}
