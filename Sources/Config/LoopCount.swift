/// How often captures are played, as options and configurations say it.
public struct LoopCount: Sendable, Equatable {
  /// 1 or more; nil for no end.
  public let rounds: UInt64?

  /// What is accepted, in words.
  public static let accepted = "a number of rounds from 1, or forever"

  /// Reads a number from 1, or `forever`; nil when it is neither.
  public init?(text: String) {
    if text == "forever" {
      rounds = nil
    } else if let number = UInt64(text), number >= 1, text.first != "+" {
      rounds = number
    } else {
      return nil
    }
  }
}
