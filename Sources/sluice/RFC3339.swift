import Dataplane
import Foundation

/// Times as RFC 3339 §5.6 text in UTC, with nanoseconds.
enum RFC3339 {
  static func text(_ time: PacketTime) -> String {
    let (seconds, nanoseconds) = time.nanoseconds.quotientAndRemainder(
      dividingBy: PacketTime.nanosecondsPerSecond)
    let (days, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
    let date = civil(days)
    return "\(date.year)-\(two(date.month))-\(two(date.day))T"
      + "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)).\(nine(nanoseconds))Z"
  }

  /// The Gregorian date of a day counted from 1970-01-01, by 400-year cycles that begin on 1 March.
  private static func civil(_ days: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
    let shifted = days + 719_468
    let (era, dayOfEra) = shifted.quotientAndRemainder(dividingBy: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }

  private static func two(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }

  private static func nine(_ number: UInt64) -> String {
    let digits = "\(number)"
    return String(repeating: "0", count: 9 - digits.count) + digits
  }
}
