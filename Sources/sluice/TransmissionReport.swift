import Foundation
import Gateway
import PacketIO

/// The summary of `replay --port` for people.
struct TransmissionReport {
  private let summary: TransmissionSummary

  init(_ summary: TransmissionSummary) { self.summary = summary }

  var text: String {
    let counts = summary.counts
    var lines = [
      "port \(summary.interface)", row("sent", counts.packets, "\(grouped(counts.bytes)) bytes"),
      row("failed", counts.failed),
    ]
    let reasons = TransmissionFailure.allCases.compactMap { reason in
      counts.failures[reason].map { row(reason.rawValue, $0.count, summary.sentence(reason)) }
    }
    if !reasons.isEmpty { lines += ["", "why"] + reasons }
    let notes = [
      ("filteredOut", summary.filteredOut, "left out by --filter"),
      ("timeJumps", summary.timeJumps, "timestamps more than a day ahead"),
      ("timeReversals", summary.timeReversals, "timestamps before the packet's before"),
      ("waits", counts.waits, "times the interface had no room, and was waited for"),
    ].filter { $0.1 > 0 }
    if !notes.isEmpty { lines += ["", "notes"] + notes.map { row($0.0, $0.1, $0.2) } }
    if summary.rounds > 1 { lines += ["", row("rounds", summary.rounds, "of the captures")] }
    return (lines + ["", speed]).joined(separator: "\n")
  }

  private var speed: String {
    let packets = grouped(UInt64(summary.packetsPerSecond.rounded()))
    return String(format: "%.3f s, ", summary.counts.seconds) + packets
      + String(
        format: " packets/s, %.2f Mbit/s, CPU %.3f s", summary.bitsPerSecond / 1e6, summary.cpuSeconds)
  }
}
