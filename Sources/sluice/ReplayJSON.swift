import Dataplane
import Foundation
import Gateway
import PacketIO

/// The object of `replay --json`. Its names are an interface: they are added to, never changed.
struct ReplayJSON: Encodable {
  struct Sessions: Encodable {
    var opened: UInt64
    var live: UInt64
    var deleted: UInt64
    var closed: [String: UInt64]
  }
  struct Copies: Encodable {
    var made: UInt64
    var failed: UInt64
  }
  struct WorkerPart: Encodable {
    var packets: UInt64
    var handed_off: UInt64
  }

  var packets, bytes, matched, missed, other: UInt64
  var verdicts: [String: UInt64]
  var drops: [String: UInt64]
  var sessions: Sessions
  var transmitted, generated: UInt64
  var copies: Copies
  var held, handed_off: UInt64
  /// Rounds of the captures that were begun.
  var rounds: UInt64
  /// Things noted that changed no verdict.
  var notes: [String: UInt64]
  var workers: [WorkerPart]
  var seconds, cpu_seconds, packets_per_second, bits_per_second: Double
  var error: String?

  init(_ summary: ReplaySummary) {
    packets = summary[.packets]
    bytes = summary[.bytes]
    matched = summary[.matched]
    missed = summary[.missed]
    other = summary[.other]
    verdicts = [
      "forward": summary[.forwarded], "drop": summary[.dropped], "mirror": summary[.mirrored],
      "snoop": summary[.snooped], "punt": summary[.punted], "consume": summary[.consumed],
    ]
    drops = Dictionary(uniqueKeysWithValues: summary.drops.map { ($0.reason.name, $0.count) })
    sessions = Sessions(
      opened: summary[.sessionsOpened], live: summary[.liveSessions], deleted: summary[.sessionsDeleted],
      closed: [
        "finack": summary[.closedFINACK], "rst": summary[.closedRST], "timeout": summary[.closedTimeout],
      ])
    transmitted = summary[.transmitted]
    generated = summary[.generated]
    copies = Copies(made: summary[.copiesMade], failed: summary[.copiesFailed])
    held = summary[.held]
    handed_off = summary[.handedOff]
    rounds = summary.rounds
    notes = Dictionary(uniqueKeysWithValues: summary.notes.map { ($0.name, $0.count) })
    workers = summary.workers.map { WorkerPart(packets: $0.packets, handed_off: $0.handedOff) }
    seconds = summary.seconds
    cpu_seconds = summary.cpuSeconds
    packets_per_second = summary.packetsPerSecond
    bits_per_second = summary.bitsPerSecond
    error = summary.error?.description
  }
}
