import PacketIO
import Testing

@Suite("if_tsresol and if_tsoffset (draft-ietf-opsawg-pcapng §4.2)")
struct TimestampResolutionTests {
  private let latest = UInt64(Int64.max)

  @Test func `powers of ten`() {
    let cases: [(UInt8, UInt64, UInt64)] = [
      (0, 2, 2_000_000_000), (3, 1500, 1_500_000_000), (6, 1, 1000), (9, 77, 77), (10, 79, 7),
      (12, 1_234_567, 1234), (19, .max, 1_844_674_407), (28, .max, 1), (29, .max, 0), (127, .max, 0),
    ]
    for (option, ticks, time) in cases {
      #expect(
        TimestampResolution(option: option, offsetSeconds: 0).nanoseconds(ticks) == time, "10^-\(option)")
    }
  }

  @Test func `powers of two`() {
    let cases: [(UInt8, UInt64, UInt64)] = [
      (0, 3, 3_000_000_000), (1, 3, 1_500_000_000), (10, 1, 976_562), (32, 1 << 31, 500_000_000),
      (63, .max, 1_999_999_999), (64, .max, 999_999_999), (65, .max, 499_999_999), (127, .max, 0),
    ]
    for (option, ticks, time) in cases {
      let resolution = TimestampResolution(option: option | 0x80, offsetSeconds: 0)
      #expect(resolution.nanoseconds(ticks) == time, "2^-\(option)")
    }
  }

  @Test func `an offset is added, and what no clock shows is held at the ends`() {
    let ahead = TimestampResolution(option: 6, offsetSeconds: 10)
    #expect(ahead.nanoseconds(5) == 10_000_005_000 && ahead.nanoseconds(.max) == latest)
    let behind = TimestampResolution(option: 9, offsetSeconds: -1)
    #expect(behind.nanoseconds(1_000_000_001) == 1 && behind.nanoseconds(999_999_999) == 0)
    #expect(TimestampResolution(option: 0, offsetSeconds: .max).nanoseconds(.max) == latest)
    #expect(TimestampResolution(option: 0x80, offsetSeconds: .min).nanoseconds(.max) <= latest)
    #expect(TimestampResolution(option: 0x80, offsetSeconds: .max).nanoseconds(.max) == latest)
    for option: UInt8 in [0, 5, 6, 9, 0x80] {
      #expect(TimestampResolution(option: option, offsetSeconds: 0).nanoseconds(.max) == latest)
    }
  }

  @Test func `finer than microseconds is what those cannot hold`() {
    for (option, isFiner): (UInt8, Bool) in [
      (0, false), (6, false), (7, true), (9, true), (0x80, false), (0x86, false), (0x87, true), (0xFF, true),
    ] {
      #expect(TimestampResolution(option: option, offsetSeconds: 3).isFinerThanMicroseconds == isFiner)
    }
  }
}
