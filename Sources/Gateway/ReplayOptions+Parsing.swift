public import Config
public import PacketIO

// The options of `sluice replay` in words: Config reads them, and an error names the option.

extension ReplayRate {
  /// Reads the value of `--rate`.
  ///
  /// - Throws: `.usage`, with what would be accepted.
  public init(parsing text: String) throws(ReplayError) {
    guard let rate = ReplayRate(text: text) else {
      throw ReplayError(.usage, "--rate \(text): accepted: \(Self.accepted)")
    }
    self = rate
  }
}

extension SpeedMultiplier {
  /// Reads the value of `--multiplier`.
  ///
  /// - Throws: `.usage`, with what would be accepted.
  public init(parsing text: String) throws(ReplayError) {
    guard let multiplier = SpeedMultiplier(text: text) else {
      throw ReplayError(.usage, "--multiplier \(text): accepted: \(Self.accepted)")
    }
    self = multiplier
  }
}

extension TrafficSplit {
  /// Reads the value of `--split`.
  ///
  /// - Throws: `.usage`, naming the part that is wrong and what would be accepted.
  public init(parsing text: String) throws(ReplayError) {
    do throws(TextRefusal) {
      self = try TrafficSplit(text: text)
    } catch {
      throw ReplayError(.usage, "--split \(text): \(error.message)")
    }
  }
}

extension LoopCount {
  /// Reads the value of `--loop`: a number from 1, or `forever`.
  ///
  /// - Throws: `.usage`.
  public init(parsing text: String) throws(ReplayError) {
    guard let count = LoopCount(text: text) else {
      throw ReplayError(.usage, "--loop \(text): accepted: \(Self.accepted), which Ctrl-C ends")
    }
    self = count
  }
}
