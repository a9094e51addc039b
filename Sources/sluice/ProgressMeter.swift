import Foundation
import PacketIO

/// One line on standard error that says how far a long replay is; nothing when that is no terminal.
final class ProgressMeter {
  private let progress: ReplayProgress
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let start = Date()
  private var isShown = false

  init(_ progress: ReplayProgress) { self.progress = progress }

  /// Replaces the line. Nothing is shown in the first half second.
  func show() {
    let elapsed = Date().timeIntervalSince(start)
    guard isTerminal, elapsed > 0.5, progress.totalBytes > 0 else { return }
    let share = Double(progress.bytesRead) / Double(progress.totalBytes)
    let megabytes = Double(progress.bytesRead) / 1e6
    let left = share > 0.01 ? String(format: ", %.0f s left", elapsed / share - elapsed) : ""
    write(
      "\r\u{1B}[K"
        + String(format: "%3.0f %%  %.0f MB  %.0f MB/s", share * 100, megabytes, megabytes / elapsed) + left)
    isShown = true
  }

  /// Takes the line away.
  func clear() {
    if isShown { write("\r\u{1B}[K") }
    isShown = false
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
