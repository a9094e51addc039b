import Foundation
import PacketIO

/// One line on standard error that says how far a long replay is; nothing when that is no terminal.
final class ProgressMeter {
  private let progress: ReplayProgress
  private let line = ProgressLine()

  init(_ progress: ReplayProgress) { self.progress = progress }

  /// Replaces the line by one that begins with what has been sent.
  func show(_ sent: TransmissionCounts) {
    let failed = sent.failed > 0 ? ["\(grouped(sent.failed)) failed"] : []
    show(["\(grouped(sent.packets)) packets"] + failed)
  }

  /// Replaces the line. Nothing is shown in the first half second.
  func show() { show([]) }

  private func show(_ first: [String]) {
    guard line.isDue else { return }
    let elapsed = line.elapsed
    let megabytes = Double(progress.bytesRead) / 1e6
    var parts = [String(format: "%.0f MB", megabytes), String(format: "%.0f MB/s", megabytes / elapsed)]
    if let total = progress.totalBytes, total > 0 {
      let share = Double(progress.bytesRead) / Double(total)
      parts.insert(String(format: "%3.0f %%", share * 100), at: 0)
      if share > 0.01 { parts.append(String(format: "%.0f s left", elapsed / share - elapsed)) }
    }
    if progress.rounds > 1 { parts.append("round \(progress.rounds)") }
    let wait = progress.nanosecondsToNext / 1_000_000_000
    if wait > 0 { parts.append("next packet in \(Figures.duration(wait)), Ctrl-C ends") }
    line.show((first + parts).joined(separator: "  "))
  }

  /// Takes the line away.
  func clear() { line.clear() }
}
