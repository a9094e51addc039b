import Glibc
import Synchronization

/// The terminal while `sluice top` fills it; elsewhere output goes on line by line.
final class TopScreen: Sendable {
  private let isUsed: Bool
  private let isFirst = Atomic<Bool>(true)

  /// Keeps what was on the terminal, until `leave`.
  init(isUsed: Bool) {
    self.isUsed = isUsed
    if isUsed { try? StandardOutput.write("\u{1B}[?1049h\u{1B}[?25l") }
  }

  /// Puts the terminal back.
  func leave() { if isUsed { try? StandardOutput.write("\u{1B}[?25h\u{1B}[?1049l") } }

  /// Shows a reading in the place of the one before, as much of it as there is room for.
  ///
  /// - Throws: `CommandFailure` when standard output cannot be written.
  func show(_ text: String) throws(CommandFailure) {
    guard isUsed else {
      let isObject = text.hasPrefix("{")
      if !isFirst.exchange(false, ordering: .relaxed), !isObject { try StandardOutput.print("") }
      return try StandardOutput.print(text)
    }
    var size = winsize()
    let isKnown = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 0
    let (rows, columns) = isKnown ? (Int(size.ws_row), Int(size.ws_col)) : (24, 80)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).prefix(rows - 1)
    // Each line is cleared behind its text, and the screen below the last one: nothing flickers.
    let shown = lines.map { "\($0.prefix(columns))\u{1B}[K\r\n" }.joined()
    try StandardOutput.write("\u{1B}[H\(shown)\u{1B}[J")
  }
}
