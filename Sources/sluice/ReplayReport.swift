import Dataplane
import Foundation
import Gateway

/// The summary for people: a table of what happened to packets and sessions.
struct ReplayReport {
  private let summary: ReplaySummary

  init(_ summary: ReplaySummary) { self.summary = summary }

  var text: String {
    var lines = packets + sessions
    if summary[.copiesMade] > 0 { lines += copies }
    if !summary.drops.isEmpty {
      lines += ["", "drops"] + summary.drops.map { row($0.reason.name, $0.count, $0.reason.sentence) }
    }
    let notes = summary.notes.filter { $0.count > 0 }
    if !notes.isEmpty { lines += ["", "notes"] + notes.map { row($0.name, $0.count, $0.sentence) } }
    if summary.rounds > 1 { lines += ["", row("rounds", summary.rounds, "of the captures")] }
    if summary.workers.count > 1 { lines += workers }
    return (lines + speed).joined(separator: "\n")
  }

  private var packets: [String] {
    [
      "packets", row("received", summary[.packets], "\(grouped(summary[.bytes])) bytes"),
      row("matched", summary[.matched], "found a session"),
      row("missed", summary[.missed], "TCP or UDP without a session"),
      row("other", summary[.other], "cannot be a session"),
      "", "verdicts", row("forward", summary[.forwarded]), row("drop", summary[.dropped]),
      row("mirror", summary[.mirrored]), row("snoop", summary[.snooped]), row("punt", summary[.punted]),
      row("consume", summary[.consumed]), row("transmitted", summary[.transmitted], "copies included"),
    ]
  }

  private var sessions: [String] {
    [
      "", "sessions", row("opened", summary[.sessionsOpened]), row("live", summary[.liveSessions]),
      row(
        "closed", closed,
        "by FIN/ACK \(summary[.closedFINACK]), RST \(summary[.closedRST]), timeout \(summary[.closedTimeout])"
      ),
    ]
  }

  private var closed: UInt64 { summary[.closedFINACK] + summary[.closedRST] + summary[.closedTimeout] }

  private var copies: [String] {
    ["", "copies", row("made", summary[.copiesMade]), row("failed", summary[.copiesFailed])]
  }

  private var workers: [String] {
    ["", "workers"]
      + summary.workers.enumerated().map { index, part in
        row("worker \(index)", part.packets, "handed off \(grouped(part.handedOff))")
      }
  }

  private var speed: [String] {
    let nanoseconds = summary[.packets] > 0 ? summary.cpuSeconds * 1e9 / Double(summary[.packets]) : 0
    return [
      "",
      String(
        format: "%.3f s, %.2f Mpacket/s, %.2f Gbit/s, CPU %.3f s (%.0f ns a packet)", summary.seconds,
        summary.packetsPerSecond / 1e6, summary.bitsPerSecond / 1e9, summary.cpuSeconds, nanoseconds),
    ]
  }
}
