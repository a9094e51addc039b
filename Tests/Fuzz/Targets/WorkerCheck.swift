import Dataplane
import PacketIO

/// A worker taken through a sequence of packets, and what must hold afterwards.
enum WorkerCheck {
  static func problems(with input: [UInt8]) -> [String] {
    guard let first = WorkerInput(input), let second = WorkerInput(input) else { return [] }
    let run = Run(first, burstLimit: first.burstLimit)
    // When neighbours are asked for depends on how bursts are cut.
    guard first.isAmple, !first.isRouted else { return run.problems }
    let single = Run(second, burstLimit: 1)
    guard single.answer == run.answer else {
      return run.problems + ["bursts of \(first.burstLimit) differ from single packets"]
    }
    return run.problems
  }

  /// One run, judged.
  private struct Run {
    var problems: [String] = []
    private var leaked: String?
    /// Counters but that of bursts, then digests of each packet, each copy and, sorted, each session.
    var answer: [Int] = []

    init(_ input: WorkerInput, burstLimit: Int) {
      // A session takes 40 bytes of input or more.
      let events = SessionEvents(capacity: 1 << 10)
      guard var worker = try? Worker(input.setup, index: 0, events: events) else {
        problems = ["no memory for a worker"]
        return
      }
      worker.apply(SessionBatch(.add(input.requests, replacing: false)))
      var queue = MemoryQueue(input.packets, isRecording: true)
      WorkerLoop(input.setup, commands: CommandRing(), burstLimit: burstLimit).run(&worker, &queue)
      var sessions: [Int] = []
      while let session = events.take() { sessions.append(Self.digest(session)) }
      if input.isRouted { end(&worker, input) }
      problems = CounterEquations.problems(in: input.setup.counters)
      problems += worker.sessions.checkInvariants(keptPolicies: WorkerInput.keptPolicies)
      if let leaked { problems.append(leaked) }
      let page = input.setup.counters[0]
      if page[.packets] != UInt64(input.packets.count) {
        problems.append("\(page[.packets]) of \(input.packets.count) packets have a verdict")
      }
      if UInt64(sessions.count) != page[.sessionsOpened] {
        problems.append("\(sessions.count) of \(page[.sessionsOpened]) sessions were reported")
      }
      answer = Counter.allCases.filter { $0 != .bursts }.map { Int(page[$0]) }
      answer += DropReason.allCases.map { Int(page[$0]) }
      answer += queue.transmitted.map(Self.digest) + queue.copies.map(Self.digest) + sessions.sorted()
    }

    /// Lets so much time pass that nothing waits for a neighbour any more; all buffers are back then.
    private mutating func end(_ worker: inout Worker, _ input: WorkerInput) {
      // Times of packets may run backwards, the worker's does not.
      let last = worker.time
      var queue = MemoryQueue([])
      var burst = PacketBurst()
      // Neighbours that were in use are asked again after half a minute, and what is sent last is let go of
      // by the next pass.
      for round in 1...UInt64(40) {
        worker.passTime(to: last.advanced(by: round &* 5_000_000_000), &burst, through: &queue)
      }
      if worker.buffers.free != worker.buffers.all {
        leaked = "\(worker.buffers.all - worker.buffers.free) buffers are lost"
      }
    }

    private static func digest(_ packet: MemoryQueue.Transmitted) -> Int {
      var hasher = Hasher()
      hasher.combine(packet.decision.kind)
      hasher.combine(packet.decision.reason)
      hasher.combine(packet.decision.outLIF)
      hasher.combine(packet.originalLength)
      hasher.combine(packet.bytes)
      return hasher.finalize()
    }

    private static func digest(_ copy: MemoryQueue.TransmittedCopy) -> Int {
      var hasher = Hasher()
      hasher.combine(copy.sequence)
      hasher.combine(copy.copy.kind)
      hasher.combine(copy.copy.outLIF)
      hasher.combine(copy.copy.failed)
      hasher.combine(copy.bytes)
      return hasher.finalize()
    }

    /// Without the id that a table assigns.
    private static func digest(_ session: SessionSnapshot) -> Int {
      var hasher = Hasher()
      if !session.isLearned { hasher.combine(session.id) }
      hasher.combine(session.tuple)
      hasher.combine(session.action)
      hasher.combine(session.state)
      hasher.combine(session.closeCode)
      for count in [session.inPackets, session.outPackets, session.inBytes, session.outBytes] {
        hasher.combine(count)
      }
      for time in [session.start, session.end, session.lastSeen] { hasher.combine(time) }
      return hasher.finalize()
    }
  }
}
