import Dataplane

/// A worker whose sessions are there before its first packet.
struct LoadedWorker: ~Copyable {
  /// When it starts; any moment would do.
  static let time = LoadedSessions.time
  private var worker: Worker
  /// CPU time that the worker took to add them.
  let loadNanoseconds: UInt64

  /// - Parameter capacity: the sessions it has room for.
  init(_ flows: Flows, capacity: UInt32) throws {
    var worker = try Worker(Self.setup(workers: 1, capacity: Int(capacity)), index: 0, events: nil)
    loadNanoseconds = try Self.load(flows, into: &worker) { _ in true }
    self.worker = worker
  }

  /// Two ports, each other's peers, that forward packets of sessions only.
  static func setup(workers: Int, capacity: Int) -> WorkerSetup {
    var random = SplitMix64()
    let ports = [UInt16(1), 2].map {
      WorkerSetup.Port(
        lif: $0, peer: 3 - $0, miss: .drop, learnedAction: .forward, nonSession: .drop,
        mac: MACAddress(0x0200_0000_0001))
    }
    var setup = WorkerSetup(
      workers: workers, capacity: capacity, ports: ports, waits: true, generator: &random)
    setup.start = time
    return setup
  }

  /// Adds the sessions of the flows that `isOwn` accepts.
  ///
  /// - Returns: nanoseconds of CPU time that the worker took.
  @discardableResult
  static func load(
    _ flows: Flows, into worker: inout Worker, where isOwn: (FiveTuple) -> Bool
  ) throws -> UInt64 {
    var taken: UInt64 = 0
    for first in stride(from: 0, to: flows.count, by: Int(batchSize)) {
      let requests = (first..<min(first + batchSize, flows.count)).map { flows.request($0) }.filter {
        isOwn($0.tuple)
      }
      let batch = SessionBatch(.add(requests, replacing: false))
      let start = CPUClock.now
      worker.apply(batch)
      taken += CPUClock.now - start
      guard batch.outcomes.allSatisfy({ $0.outcome == .added }) else {
        throw WrongAnswer("a session from \(first) on was not added")
      }
    }
    return taken
  }

  /// Takes all packets of `queue`, as `WorkerLoop` does.
  mutating func run(_ queue: inout StreamQueue, burst limit: Int) {
    var burst = PacketBurst(limit: limit)
    while true {
      burst.removeAll()
      guard queue.receive(into: &burst) == .packets else { return }
      worker.take(&burst, through: &queue)
    }
  }

  /// Refuses a worker that has not matched and forwarded all packets so far.
  func check(forwarded: UInt64) throws {
    let counters = worker.counters
    guard counters[.forwarded] == forwarded, counters[.matched] == forwarded else {
      throw WrongAnswer(
        "\(counters[.forwarded]) of \(forwarded) packets were forwarded, \(counters[.matched]) matched")
    }
  }

  /// Requests in a batch.
  private static let batchSize: UInt32 = 4096
}
