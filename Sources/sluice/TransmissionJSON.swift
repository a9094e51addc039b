import Foundation
import Gateway
import PacketIO

/// The object of `replay --port --json`. Its names are an interface: they are added to, never changed.
struct TransmissionJSON: Encodable {
  /// Packets of one kind that were not sent.
  struct Failure: Encodable {
    var packets, first_packet: UInt64
    var first_bytes: UInt32
    var sentence: String
  }

  var port: String
  /// Sent, and bytes of their frames.
  var packets, bytes: UInt64
  var failed: UInt64
  /// By reason.
  var failures: [String: Failure]
  /// Rounds of the captures that were begun.
  var rounds: UInt64
  var notes: [String: UInt64]
  var seconds, cpu_seconds, packets_per_second, bits_per_second: Double
  var error: String?

  init(_ summary: TransmissionSummary) {
    let counts = summary.counts
    port = summary.interface
    packets = counts.packets
    bytes = counts.bytes
    failed = counts.failed
    failures = [:]
    for (reason, found) in counts.failures {
      failures[reason.rawValue] = Failure(
        packets: found.count, first_packet: found.firstPacket, first_bytes: found.firstLength,
        sentence: summary.sentence(reason))
    }
    rounds = summary.rounds
    notes = [
      "filteredOut": summary.filteredOut, "timeJumps": summary.timeJumps,
      "timeReversals": summary.timeReversals, "waits": counts.waits,
    ]
    seconds = counts.seconds
    cpu_seconds = summary.cpuSeconds
    packets_per_second = summary.packetsPerSecond
    bits_per_second = summary.bitsPerSecond
    error = summary.error?.description
  }

  var text: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }
}
