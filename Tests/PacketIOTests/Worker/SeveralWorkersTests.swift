import Dataplane
import PacketIO
import Synchronization
import Testing

/// Workers on threads, the first with packets, the others living on what it hands over.
struct SeveralWorkers {
  let counts: Counts
  let perWorker: [Counts]
  let sessions: [String]

  /// - Parameter arrival: the worker that receives a packet, by its position.
  init(
    _ packets: [MemoryQueue.Packet], setup: WorkerSetup, requests: [SessionRequest] = [],
    arrival: (Int) -> Int = { _ in 0 }
  ) throws {
    let count = setup.workers
    var queues = [[MemoryQueue.Packet]](repeating: [], count: count)
    for (position, packet) in packets.enumerated() { queues[arrival(position)].append(packet) }
    let events = (0..<count).map { _ in SessionEvents(capacity: 1 << 17) }
    let commands = (0..<count).map { _ in CommandRing(isHolding: true) }
    var threads: [WorkerThread] = []
    for index in 0..<count {
      let ring = commands[index], report = events[index], own = queues[index]
      threads.append(
        try WorkerThread(name: "test-\(index)") {
          guard var worker = try? Worker(setup, index: index, events: report) else { return }
          var queue = MemoryQueue(own)
          WorkerLoop(setup, commands: ring).run(&worker, &queue)
        })
    }
    try Self.add(requests, setup, commands)
    for ring in commands { ring.release() }
    for thread in threads { thread.join() }
    counts = Counts(setup.counters)
    perWorker = setup.counters.map { Counts([$0]) }
    sessions = events.flatMap { WorkerRun.drain($0) }.map(\.comparable).sorted()
  }

  private static func add(
    _ requests: [SessionRequest], _ setup: WorkerSetup, _ commands: [CommandRing]
  ) throws {
    let shares = Dictionary(grouping: requests) { setup.owner(of: $0.tuple) }
    let batches = shares.map { owner, share in (owner, SessionBatch(.add(share, replacing: false))) }
    for (owner, batch) in batches { #expect(commands[owner].submit(batch)) }
    for (_, batch) in batches {
      batch.wait()
      #expect(batch.outcomes.allSatisfy { $0.outcome == .added })
    }
  }
}

extension SessionBatch {
  /// Waits until the worker, on another thread, has applied the batch.
  fileprivate func wait() { while !isDone { WaitingThread.yield() } }
}

@Suite("One worker or many, the same answer")
struct SeveralWorkersTests {
  private func setup(_ workers: Int, start: PacketTime) -> WorkerSetup {
    var setup = WorkerRun.setup(workers: workers)
    setup.start = start
    return setup
  }

  @Test(arguments: 11...13)
  func `totals and sessions are the same with 1 to 4 workers`(seed: UInt64) throws {
    let packets = Traffic.random(30_000, flows: 300, spacing: 5_000_000, seed: seed)
    let requests = (0..<100).map { index in
      SessionRequest(
        id: SessionID(UInt64(index) + 1), tuple: Build.tuple(1000 + UInt16(index) * 2 + 1), action: .drop,
        cacheTimeout: 5)
    }.filter { ($0.tuple.sourcePort - 1000) % 3 != 0 }
    let one = try SeveralWorkers(packets, setup: setup(1, start: packets[0].time), requests: requests)
    one.counts.expectEquations()
    #expect(one.counts[.packets] == 30_000 && one.counts[.handedOff] == 0)
    #expect(one.counts[DropReason.sessionDrop] > 100 && one.counts[.closedFINACK] > 0)
    for workers in 2...4 {
      let many = try SeveralWorkers(
        packets, setup: setup(workers, start: packets[0].time), requests: requests)
      many.counts.expectEquations()
      #expect(many.counts.comparable == one.counts.comparable, "\(workers) workers, seed \(seed)")
      #expect(many.sessions == one.sessions, "\(workers) workers, seed \(seed)")
      #expect(many.perWorker.allSatisfy { $0[.packets] > 100 }, "every worker owned packets")
      #expect(many.perWorker[0][.handedOff] > 1000 && many.perWorker[0][.takenOver] == 0)
      for share in many.perWorker.dropFirst() { #expect(share[.takenOver] == share[.packets]) }
    }
  }

  @Test(arguments: [2, 4], 21...23 as ClosedRange<UInt64>)
  func `packets that all arrive at the wrong worker get the same answer`(
    _ workers: Int, seed: UInt64
  ) throws {
    let tuples = (1...200).map { Build.tuple(UInt16($0) * 2 + 1) }
    var random = SplitMix64(state: seed)
    // All within 30 ms: workers that receive do not agree about the time, and nothing is due in it.
    let sent = (0..<30_000).map { position in
      let tuple = tuples[Int(random.next(upperBound: UInt64(tuples.count)))]
      return (tuple, time: PacketTime(nanoseconds: UInt64(position) * 1000))
    }
    let packets = sent.map { MemoryQueue.Packet(Build.udp($0.0), time: $0.time) }
    let alone = try SeveralWorkers(packets, setup: setup(1, start: .zero))
    let setup = setup(workers, start: .zero)
    let many = try SeveralWorkers(packets, setup: setup) { (setup.owner(of: sent[$0].0) + 1) % workers }
    many.counts.expectEquations()
    #expect(many.counts.comparable == alone.counts.comparable)
    func untimed(_ session: String) -> [Substring] { session.split(separator: " ").dropLast(2) }
    #expect(Set(many.sessions.map(untimed)) == Set(alone.sessions.map(untimed)))
    #expect(many.counts[.handedOff] == 30_000 && many.counts[.takenOver] == 30_000)
    for share in many.perWorker { #expect(share[.takenOver] == share[.packets] && share[.packets] > 1000) }
    #expect(many.counts[.liveSessions] == 200 && many.counts[.matched] == 29_800)
  }

  @Test func `a worker keeps its queue until what it handed over was dealt with`() throws {
    let setup = setup(2, start: .zero)
    let tuple = (1...200).lazy.map { Build.tuple($0) }.first { setup.owner(of: $0) == 1 }
    let packets = [MemoryQueue.Packet](
      repeating: MemoryQueue.Packet(Build.udp(try #require(tuple))), count: 300)
    let watch = QueueWatch()
    let reader = try WorkerThread(name: "test-reader") {
      guard var worker = try? Worker(setup, index: 0, events: nil) else { return }
      var queue = WatchedQueue(inner: MemoryQueue(packets), watch: watch)
      WorkerLoop(setup, commands: CommandRing()).run(&worker, &queue)
    }
    setup.mesh.close(from: 1, at: .zero)
    while !watch.hasEnded { WaitingThread.yield() }
    for _ in 0..<5000 { WaitingThread.yield() }
    #expect(!watch.hasFinished, "the other worker has not read the packets yet")
    var worker = try Worker(setup, index: 1, events: nil)
    var queue = MemoryQueue([])
    WorkerLoop(setup, commands: CommandRing()).run(&worker, &queue)
    reader.join()
    let counts = Counts(setup.counters)
    counts.expectEquations()
    #expect(counts[.takenOver] == 300 && counts[.missed] == 1 && counts[.matched] == 299)
  }

  @Test func `a packet handed over late does not end a session that its worker saw later`() throws {
    let setup = setup(2, start: .zero)
    let tuple = try #require((1...200).lazy.map { Build.tuple($0) }.first { setup.owner(of: $0) == 1 })
    let bytes = Build.udp(tuple)
    let handed = (0..<200).map { MemoryQueue.Packet(bytes, time: .seconds(Double($0) / 1000)) }
    setup.mesh.close(from: 1, at: .zero)
    let reader = try WorkerThread(name: "test-reader") {
      guard var worker = try? Worker(setup, index: 0, events: nil) else { return }
      var queue = MemoryQueue(handed)
      WorkerLoop(setup, commands: CommandRing()).run(&worker, &queue)
    }
    while Counts(setup.counters)[.handedOff] < 200 { WaitingThread.yield() }
    let events = SessionEvents()
    var worker = try Worker(setup, index: 1, events: events)
    var queue = MemoryQueue([MemoryQueue.Packet(bytes, time: .seconds(10))])
    WorkerLoop(setup, commands: CommandRing()).run(&worker, &queue)
    reader.join()
    let sessions = WorkerRun.drain(events)
    #expect(sessions.map(\.inPackets) == [201] && sessions.map(\.lastSeen) == [.seconds(10)])
    Counts(setup.counters).expectEquations()
  }

  @Test func `a full ring drops when live, and says so`() throws {
    var generator = SplitMix64(state: 42)
    let setup = WorkerSetup(
      workers: 2, capacity: 100, ports: [WorkerRun.port1], waits: false, generator: &generator)
    let tuple = try #require((1...200).lazy.map { Build.tuple($0) }.first { setup.owner(of: $0) == 1 })
    let packets = [MemoryQueue.Packet](repeating: MemoryQueue.Packet(Build.udp(tuple)), count: 5000)
    setup.mesh.close(from: 1, at: .zero)
    let reader = try WorkerThread(name: "test-reader") {
      guard var worker = try? Worker(setup, index: 0, events: nil) else { return }
      var queue = MemoryQueue(packets)
      WorkerLoop(setup, commands: CommandRing()).run(&worker, &queue)
    }
    while Counts(setup.counters)[.handedOff] + Counts(setup.counters)[.packets] < 5000 {
      WaitingThread.yield()
    }
    var worker = try Worker(setup, index: 1, events: nil)
    var queue = MemoryQueue([])
    WorkerLoop(setup, commands: CommandRing()).run(&worker, &queue)
    reader.join()
    let counts = Counts(setup.counters)
    counts.expectEquations()
    #expect(counts[DropReason.handoffRingFull] == 5000 - 4096 && counts[.matched] == 4095)
  }
}

/// What a test learns about a queue on another thread.
private final class QueueWatch: Sendable {
  private let ended = Atomic<Bool>(false)
  private let finished = Atomic<Bool>(false)
  var hasEnded: Bool { ended.load(ordering: .acquiring) }
  var hasFinished: Bool { finished.load(ordering: .acquiring) }
  func noteEnd() { ended.store(true, ordering: .releasing) }
  func noteFinish() { finished.store(true, ordering: .releasing) }
}

private struct WatchedQueue: PacketQueue, ~Copyable {
  var inner: MemoryQueue
  let watch: QueueWatch
  mutating func receive(into burst: inout PacketBurst) -> ReceiveStatus {
    let status = inner.receive(into: &burst)
    if status == .ended { watch.noteEnd() }
    return status
  }
  mutating func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {
    inner.transmit(burst, &outcome)
  }
  mutating func finish() {
    watch.noteFinish()
    inner.finish()
  }
}
