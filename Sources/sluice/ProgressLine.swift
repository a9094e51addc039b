import Foundation

/// A line on standard error that is replaced as work goes on; nothing when that is no terminal.
final class ProgressLine {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let start = Date()
  private var last = Date.distantPast
  private var isShown = false

  /// Seconds since the work began.
  var elapsed: TimeInterval { Date().timeIntervalSince(start) }

  /// Whether there is anybody to see a line, half a second has passed and the line before is a little old.
  var isDue: Bool { isTerminal && elapsed > 0.5 && Date().timeIntervalSince(last) > 0.1 }

  func show(_ text: String) {
    write("\r\u{1B}[K" + text)
    last = Date()
    isShown = true
  }

  /// Takes the line away.
  func clear() {
    if isShown { write("\r\u{1B}[K") }
    isShown = false
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
