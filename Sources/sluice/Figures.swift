import Foundation

/// Numbers for people.
enum Figures {
  /// 0, 950, 12.3 k, 1.23 M, 4.56 G.
  static func scaled(_ number: Double) -> String {
    switch number {
    case ..<1000: String(format: number < 10 && number > 0 ? "%.1f" : "%.0f", number)
    case ..<1e6: String(format: "%.1f k", number / 1e3)
    case ..<1e9: String(format: "%.2f M", number / 1e6)
    default: String(format: "%.2f G", number / 1e9)
    }
  }

  /// Bytes as 950, 12.3 KiB, 1.2 MiB, 4.5 GiB.
  static func bytes(_ count: UInt64) -> String {
    let number = Double(count)
    return switch count {
    case ..<1024: "\(count) B"
    case ..<(1 << 20): String(format: "%.1f KiB", number / 1024)
    case ..<(1 << 30): String(format: "%.1f MiB", number / Double(1 << 20))
    default: String(format: "%.1f GiB", number / Double(1 << 30))
    }
  }

  /// `2 d 3 h`, `4 min 5 s`.
  static func duration(_ seconds: UInt64) -> String {
    switch seconds {
    case 86_400...: "\(seconds / 86_400) d \(seconds % 86_400 / 3600) h"
    case 3600...: "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    case 60...: "\(seconds / 60) min \(seconds % 60) s"
    default: "\(seconds) s"
    }
  }
}

/// A line of a summary: name, count, remark.
func row(_ name: String, _ count: UInt64, _ comment: String = "") -> String {
  row(name, grouped(count), comment)
}

/// A line of a summary whose value is not a plain count.
func row(_ name: String, _ value: String, _ comment: String = "") -> String {
  let left = "  " + name.padding(toLength: max(22, name.count), withPad: " ", startingAt: 0)
  let right = String(repeating: " ", count: max(1, 16 - value.count)) + value
  return comment.isEmpty ? left + right : left + right + "  " + comment
}

/// 1234567 as 1,234,567.
func grouped(_ number: UInt64) -> String {
  var digits = Array(String(number))
  for position in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: position) }
  return String(digits)
}
