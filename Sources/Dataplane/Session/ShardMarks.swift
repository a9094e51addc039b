/// The few numbers of a shard's file that change while it is used: which records were ever taken, and how far
/// ids were assigned. Touched when a session opens.
///
/// Each is one word with its own check, so that it is whole or known to be damaged whenever the process ends.
@safe package struct ShardMarks {
  private let words: UnsafeMutablePointer<UInt64>

  /// - Safety: three words at `start`, which stay mapped as long as this is used.
  @unsafe init(_ start: UnsafeMutableRawPointer) {
    unsafe words = start.assumingMemoryBound(to: UInt64.self)
  }

  /// Records below `low`, and from `high` on, were taken.
  func noteFresh(low: UInt32, high: UInt32) {
    unsafe words[0] = Self.checked(low)
    unsafe words[1] = Self.checked(high)
  }

  /// The number of the last id that was assigned.
  func noteIDs(_ last: UInt32) { unsafe words[2] = Self.checked(last) }

  /// Which records were taken; nil when that is damaged.
  var fresh: (low: UInt32, high: UInt32)? {
    guard let low = unsafe Self.value(words[0]), let high = unsafe Self.value(words[1]), low <= high else {
      return nil
    }
    return (low, high)
  }

  var lastID: UInt32? { unsafe Self.value(words[2]) }

  private static func checked(_ value: UInt32) -> UInt64 {
    UInt64(value ^ 0xA5C3_96E1) &* 0x9E37_79B9 << 32 | UInt64(value)
  }

  private static func value(_ word: UInt64) -> UInt32? {
    let value = UInt32(truncatingIfNeeded: word)
    return checked(value) == word ? value : nil
  }
}
