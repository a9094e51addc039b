import CLinuxPacket
public import Dataplane
public import PacketIO

/// What a replay did: the numbers of `replay --json`, exact at its end: packets are the sum of
/// the verdicts, dropped packets the sum over the reasons.
public struct ReplaySummary: Sendable {
  /// One worker's part.
  public struct WorkerPart: Sendable, Equatable {
    /// Packets that got their verdict here.
    public let packets: UInt64
    /// Packets handed to other workers.
    public let handedOff: UInt64
  }

  public let counts: [Counter: UInt64]
  /// Reasons that occurred.
  public let drops: [(reason: DropReason, count: UInt64)]
  public let workers: [WorkerPart]
  /// Wall time from the first packet to the last, in seconds.
  public let seconds: Double
  /// CPU time of all threads since the process began, in seconds.
  public let cpuSeconds: Double
  /// Packets whose timestamp was held because it lay more than a day ahead, or behind.
  public let timeJumps: UInt64
  public let timeReversals: UInt64
  /// Packets that a filter left out: they are not among the packets.
  public let filteredOut: UInt64
  /// Conversations that a split forgot because there were too many at once.
  public let splitForgotten: UInt64
  /// Rounds of the captures that were begun.
  public let rounds: UInt64
  /// What ended the replay early; nil when it came to its proper end.
  public var error: CaptureError?

  init(_ group: WorkerGroup, seconds: Double, progress: ReplayProgress) {
    counts = Dictionary(uniqueKeysWithValues: Counter.allCases.map { ($0, group.total($0)) })
    drops = DropReason.allCases.map { ($0, group.total($0)) }.filter { $0.1 > 0 }
    workers = group.setup.counters.map { WorkerPart(packets: $0[.packets], handedOff: $0[.handedOff]) }
    self.seconds = seconds
    cpuSeconds = Double(sluice_process_cpu_ns()) / 1e9
    timeJumps = progress.timeJumps
    timeReversals = progress.timeReversals
    filteredOut = progress.filteredOut
    splitForgotten = progress.splitForgotten
    rounds = progress.rounds
    error = progress.error
  }

  public subscript(counter: Counter) -> UInt64 { counts[counter] ?? 0 }

  /// Something noted about packets that changed no verdict.
  public struct Note: Sendable, Equatable {
    public let name: String
    public let count: UInt64
    public let sentence: String
  }

  /// All notes, also those that did not occur.
  public var notes: [Note] {
    [
      Note(name: "snapped", count: self[.snapped], sentence: "cut by the capture's snap length"),
      Note(
        name: "laterFragments", count: self[.laterFragments],
        sentence: "later fragments, treated as their datagram's first one"),
      Note(
        name: "fragmentsHeld", count: self[.fragmentsHeld],
        sentence: "later fragments that came before the first one, and waited for it"),
      Note(
        name: "icmpErrors", count: self[.icmpErrors],
        sentence: "ICMP errors, treated as the session that they quote"),
      Note(
        name: "learnFailed", count: self[.learnFailed],
        sentence: "not learned: the table was full, or a session on other LIFs is in the way"),
      Note(
        name: "implausibleReset", count: self[.implausibleReset],
        sentence: "RST outside its sender's window, session unchanged"),
      Note(
        name: "implausibleFin", count: self[.implausibleFin],
        sentence: "FIN outside its sender's window, session unchanged"),
      Note(
        name: "synOnEstablished", count: self[.synOnEstablished],
        sentence: "SYN on an open session, session unchanged"),
      Note(
        name: "nonsenseFlags", count: self[.nonsenseFlags], sentence: "TCP flags that no TCP sends"),
      Note(name: "timeJumps", count: timeJumps, sentence: "timestamps more than a day ahead"),
      Note(name: "timeReversals", count: timeReversals, sentence: "timestamps before the packet's before"),
      Note(name: "filteredOut", count: filteredOut, sentence: "left out by --filter, not received"),
      Note(
        name: "splitForgotten", count: splitForgotten,
        sentence: "conversations forgotten by --split: too many at once"),
    ]
  }

  public var packetsPerSecond: Double { seconds > 0 ? Double(self[.packets]) / seconds : 0 }
  public var bitsPerSecond: Double { seconds > 0 ? Double(self[.bytes]) * 8 / seconds : 0 }
}
