/// How many times faster than captured packets are let in, as an option says it.
public struct SpeedMultiplier: Sendable, Equatable {
  /// Above 0.
  public let factor: Double

  /// Beyond, nothing is told apart from a standstill or no pauses at all.
  private static let range = 1e-6...1e6

  /// What is accepted, in words.
  public static let accepted = "a number from 0.000001 to 1000000 such as 2 or 0.5"

  /// Reads a decimal number; nil when it is none, or out of range.
  public init?(text: String) {
    let isPlain = text.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard isPlain, let number = Double(text), Self.range.contains(number) else { return nil }
    factor = number
  }
}
