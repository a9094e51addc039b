/// What the numbers in an interface's timestamps mean: parts of a second, and where they begin.
/// draft-ietf-opsawg-pcapng §4.2, if_tsresol and if_tsoffset.
package struct TimestampResolution: Equatable, Sendable {
  /// Ticks a second are 10 or 2 to this power, 0...127.
  private let exponent: UInt8
  private let isBinary: Bool
  /// Seconds that are added to every timestamp.
  private let offsetSeconds: Int64
  /// Nanoseconds of a tick where that is a whole number, else 0.
  private let nanosecondsPerTick: UInt64

  /// What a capture has that says nothing, and what classic captures have.
  package static let microseconds = TimestampResolution(option: 6, offsetSeconds: 0)
  package static let nanoseconds = TimestampResolution(option: 9, offsetSeconds: 0)

  /// - Parameter option: the octet of if_tsresol: a power of 10, or of 2 with the highest bit set.
  package init(option: UInt8, offsetSeconds: Int64) {
    exponent = option & 0x7F
    isBinary = option & 0x80 != 0
    self.offsetSeconds = offsetSeconds
    nanosecondsPerTick = !isBinary && exponent <= 9 ? Self.powerOfTen(9 - exponent) : 0
  }

  /// Whether it has times that microseconds cannot hold: 2^-6 seconds are 15625 of them, 2^-7 no whole
  /// number.
  package var isFinerThanMicroseconds: Bool { exponent > 6 }

  /// Nanoseconds since the Unix epoch; what lies outside of 0 and the year 2262 is held there.
  @inline(__always) package func nanoseconds(_ ticks: UInt64) -> UInt64 {
    if nanosecondsPerTick != 0, offsetSeconds == 0 {
      let (time, isTooLarge) = ticks.multipliedReportingOverflow(by: nanosecondsPerTick)
      return isTooLarge ? Self.latest : min(time, Self.latest)
    }
    return general(ticks)
  }

  @inline(never) private func general(_ ticks: UInt64) -> UInt64 {
    let time = Int128(scaled(UInt128(ticks))) + Int128(offsetSeconds) * 1_000_000_000
    return UInt64(min(max(time, 0), Int128(Self.latest)))
  }

  /// Ticks in nanoseconds, below 2^94.
  private func scaled(_ ticks: UInt128) -> UInt128 {
    if isBinary { return (ticks * 1_000_000_000) >> UInt128(exponent) }
    if exponent <= 9 { return ticks * UInt128(nanosecondsPerTick) }
    // 10^20 is more than 64 bits hold: less than a nanosecond.
    return exponent - 9 < 20 ? ticks / UInt128(Self.powerOfTen(exponent - 9)) : 0
  }

  private static func powerOfTen(_ exponent: UInt8) -> UInt64 {
    (0..<exponent).reduce(1) { power, _ in power * 10 }
  }

  /// The most that signed nanoseconds hold: packet time is compared and subtracted.
  private static let latest = UInt64(Int64.max)
}
