import Dataplane
import FuzzTargets
import PacketIO

/// A random sequence taken through several workers on their threads, and all that came out.
struct PathRun {
  /// What may not depend on workers and bursts: totals, verdicts and bytes of each packet, copies, sessions.
  let totals: [String]
  let packets: [String]
  let copies: [String]
  let sessions: [String]
  /// What does not hold among the counters.
  let problems: [String]

  init(_ sequence: RandomSequence, workers: Int, burstSizes: [Int], burstLimit: Int) throws {
    let setup = Self.setup(sequence, workers: workers)
    let events = (0..<workers).map { _ in SessionEvents(capacity: 1 << 14) }
    let commands = (0..<workers).map { _ in CommandRing(isHolding: true) }
    let results = (0..<workers).map { _ in Results() }
    var threads: [WorkerThread] = []
    for index in 0..<workers {
      let (ring, report, result) = (commands[index], events[index], results[index])
      threads.append(
        try WorkerThread(name: "path-\(index)") {
          guard var worker = try? Worker(setup, index: index, events: report) else { return }
          var queue = MemoryQueue(
            index == 0 ? sequence.packets : [], burstSizes: burstSizes, isRecording: true)
          WorkerLoop(setup, commands: ring, burstLimit: burstLimit).run(&worker, &queue)
          result.set(queue.transmitted, queue.copies)
        })
    }
    let shares = Dictionary(grouping: sequence.requests) { setup.owner(of: $0.tuple) }
    for (owner, share) in shares {
      _ = commands[owner].submit(SessionBatch(.add(share, replacing: false)))
    }
    for ring in commands { ring.release() }
    for thread in threads { thread.join() }
    problems = CounterEquations.problems(in: setup.counters)
    totals = Self.totals(setup.counters)
    // Fragments that waited have the position of the packet that released them, and their order.
    let packets = results.flatMap(\.packets).enumerated().sorted {
      ($0.element.position, $0.offset) < ($1.element.position, $1.offset)
    }
    self.packets = packets.map { "packet \($0.element.position): \($0.element.line)" }
    copies = results.flatMap(\.copies).sorted()
    sessions = events.flatMap { Self.drain($0) }.sorted()
  }

  private static func setup(_ sequence: RandomSequence, workers: Int) -> WorkerSetup {
    var generator = SplitMix64(state: sequence.seed)
    let port = WorkerSetup.Port(
      lif: 1, peer: 1, miss: sequence.miss, learnedAction: sequence.learnedAction,
      nonSession: sequence.nonSession, mac: MACAddress(0x0200_0000_0101))
    var setup = WorkerSetup(
      workers: workers, capacity: 10_000, ports: [port], waits: true, generator: &generator)
    setup.tcpControl = sequence.tcpControl
    setup.neighbors = [RandomSequence.neighbor]
    setup.copies = sequence.copies
    setup.start = PacketTime(nanoseconds: RandomSequence.start)
    return setup
  }

  private static func totals(_ pages: [CounterPage]) -> [String] {
    let differing: Set<Counter> = [
      .bursts, .handedOff, .takenOver, .commands, .commandNanoseconds,
    ]
    return Counter.allCases.filter { !differing.contains($0) }.map { counter in
      "\(counter) \(pages.reduce(0) { $0 + $1[counter] })"
    } + DropReason.allCases.map { reason in "\(reason) \(pages.reduce(0) { $0 + $1[reason] })" }
  }

  private static func drain(_ events: SessionEvents) -> [String] {
    var all: [String] = []
    while var session = events.take() {
      if session.isLearned { session.id = .unassigned }
      all.append("\(session)")
    }
    return all
  }
}

/// What one worker transmitted.
private final class Results: @unchecked Sendable {
  // SAFETY (@unchecked): written by the worker's thread, read by others once that thread was joined. Not a
  // Mutex: its library is not built for ThreadSanitizer, which then reports what the lock protects.
  private(set) var packets: [(position: UInt64, line: String)] = []
  private(set) var copies: [String] = []

  func set(_ transmitted: [MemoryQueue.Transmitted], _ copied: [MemoryQueue.TransmittedCopy]) {
    // What is handed over or held comes again.
    packets = transmitted.filter { ![.handOff, .hold].contains($0.decision.kind) }.map { packet in
      (packet.sequence, "\(words(packet.decision)) \(packet.originalLength) \(hex(packet.bytes))")
    }
    copies = copied.map {
      "copy of \($0.sequence): \($0.copy.kind) \($0.copy.outLIF) \($0.copy.failed) \(hex($0.bytes))"
    }
  }
}

// By hand, for what Swift makes of a structure or an array by itself asks the runtime about every element,
// which takes minutes under ThreadSanitizer.

private func words(_ verdict: Verdict) -> String {
  "\(verdict.kind.rawValue)/\(verdict.reason.rawValue) to \(verdict.outLIF)"
}

private func hex(_ bytes: [UInt8]) -> String { bytes.map { String($0, radix: 16) }.joined(separator: " ") }
