import Foundation

/// The same output again and again.
struct Repetition: Sendable {
  /// Seconds; nil for once.
  let interval: Double?
  /// How often; nil for until the task is cancelled.
  let count: Int?

  /// Calls `body` as often as asked for. On a terminal each output for people takes the place of the one
  /// before, elsewhere an empty line stands between them.
  func run(json: Bool, _ body: () async throws -> Void) async throws {
    let isTerminal = isatty(STDOUT_FILENO) == 1
    var done = 0
    while true {
      if interval != nil, isTerminal, !json { try StandardOutput.write("\u{1B}[H\u{1B}[2J") }
      try await body()
      done += 1
      guard let interval, done < count ?? .max else { return }
      try await Task.sleep(for: .seconds(interval))
      if !isTerminal, !json { try StandardOutput.print("") }
    }
  }
}
