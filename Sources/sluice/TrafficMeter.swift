import Foundation
import PacketIO

/// One line on standard error that says how far making traffic is; nothing when that is no terminal.
final class TrafficMeter {
  private let progress: TrafficProgress
  private let line = ProgressLine()

  init(_ progress: TrafficProgress) { self.progress = progress }

  /// Replaces the line.
  func show() {
    guard line.isDue else { return }
    let share = Double(progress.packets) / Double(progress.totalPackets)
    line.show(
      String(
        format: "%3.0f %%  %.1f Mpackets  %.0f MB", share * 100, Double(progress.packets) / 1e6,
        Double(progress.bytes) / 1e6))
  }

  /// Takes the line away.
  func clear() { line.clear() }
}
