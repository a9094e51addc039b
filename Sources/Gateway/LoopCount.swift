/// How often captures are replayed, as `--loop` says it.
public struct LoopCount: Sendable, Equatable {
  /// 1 or more; nil for no end.
  public let rounds: UInt64?

  /// Reads the value of `--loop`: a number from 1, or `forever`.
  ///
  /// - Throws: `.usage`.
  public init(parsing text: String) throws(ReplayError) {
    if text == "forever" {
      rounds = nil
    } else if let number = UInt64(text), number >= 1, text.first != "+" {
      rounds = number
    } else {
      throw ReplayError(
        .usage, "--loop \(text): accepted: a number of rounds from 1, or forever, which Ctrl-C ends")
    }
  }
}
