package import Dataplane
import Synchronization

/// The running workers of one dataplane, and the control side's way to them.
package final class WorkerGroup: Sendable {
  package let setup: WorkerSetup
  package let events: [SessionEvents]
  private let commands: [CommandRing]
  /// A ring takes from one thread at a time.
  private let submitting = Guarded(())
  private let threads: [WorkerThread]
  private let running: RunningCount
  private let tables = Guarded([Int: Table]())

  /// A worker's session table.
  private struct Table {
    /// Its memory, as long as the worker runs.
    let pages: [PageRange]
    let restored: RestoreCounts
  }

  /// Workers whose threads have not come to their end yet.
  private final class RunningCount: Sendable {
    private let value: Atomic<Int>
    private let lastEnd = Guarded<ContinuousClock.Instant?>(nil)

    init(_ count: Int) { value = Atomic(count) }

    func noteEnd() {
      lastEnd.withLock { $0 = ContinuousClock().now }
      value.subtract(1, ordering: .releasing)
    }

    var isZero: Bool { value.load(ordering: .acquiring) == 0 }
    var end: ContinuousClock.Instant? { lastEnd.withLock { $0 } }
  }

  /// Starts a thread for each worker, which makes the worker's memory: it comes from where the thread is. The
  /// workers take commands, but no packets until `release`.
  ///
  /// - Parameters:
  ///   - places: by worker; where there is none, the scheduler decides.
  ///   - makeQueue: called on the worker's own thread.
  /// - Throws: what keeps one of them from starting; then none has started.
  package init<Queue: PacketQueue & SendableMetatype & ~Copyable>(
    _ setup: WorkerSetup, on places: [ThreadPlace] = [], burstLimit: Int, reportsSessions: Bool,
    makeQueue: @escaping @Sendable (Int) -> Queue
  ) throws(WorkerError) {
    self.setup = setup
    events = reportsSessions ? (0..<setup.workers).map { _ in SessionEvents() } : []
    commands = setup.mesh.doorbells.map { CommandRing(isHolding: true, doorbell: $0) }
    running = RunningCount(setup.workers)
    var threads: [WorkerThread] = []
    let tables = tables
    let line = StartLine()
    do throws(WorkerError) {
      for index in 0..<setup.workers {
        let loop = WorkerLoop(setup, commands: commands[index], burstLimit: burstLimit)
        let (events, running) = (events.isEmpty ? nil : events[index], running)
        let place = index < places.count ? places[index] : .any
        threads.append(
          try WorkerThread(name: "sluice-w\(index)", on: place) {
            Self.run(loop, setup, index, events, tables, line, makeQueue)
            running.noteEnd()
          })
      }
      try line.release(setup.workers)
    } catch {
      line.abandon()
      for thread in threads { thread.join() }
      throw error
    }
    self.threads = threads
    restored = tables.withLock { $0.values.reduce(RestoreCounts()) { $0 + $1.restored } }
  }

  /// A worker's life, on its thread.
  private static func run<Queue: PacketQueue & ~Copyable>(
    _ loop: WorkerLoop, _ setup: WorkerSetup, _ index: Int, _ events: SessionEvents?,
    _ tables: Guarded<[Int: Table]>, _ line: StartLine, _ makeQueue: @Sendable (Int) -> Queue
  ) {
    do throws(WorkerError) {
      var worker = try Worker(setup, index: index, events: events)
      tables.withLock { $0[index] = Table(pages: worker.tablePages, restored: worker.restored) }
      guard line.report(nil) else { return }
      var queue = makeQueue(index)
      loop.run(&worker, &queue)
    } catch {
      _ = line.report(error)
    }
  }

  /// Lets the workers receive.
  package func release() { submitting.withLock { _ in for ring in commands { ring.release() } } }

  /// Whether every worker has come to its end.
  package var isFinished: Bool { running.isZero }

  /// When the last worker came to its end.
  package var endTime: ContinuousClock.Instant? { running.end }

  /// Waits for all threads.
  package func join() { for thread in threads { thread.join() } }

  /// A worker's thread: where it runs, and what CPU time it has used.
  package func thread(_ worker: Int) -> WorkerThread { threads[worker] }

  /// The session tables' memory by worker, until the workers end.
  var tablePages: [Int: [PageRange]] { tables.withLock { $0.mapValues(\.pages) } }

  /// What came back from files.
  package let restored: RestoreCounts

  /// The sum of a counter over all workers.
  package func total(_ counter: Counter) -> UInt64 { setup.counters.reduce(0) { $0 + $1[counter] } }

  package func total(_ reason: DropReason) -> UInt64 { setup.counters.reduce(0) { $0 + $1[reason] } }

  // MARK: Sessions

  /// Sessions handed to a worker at once.
  private static let batchSize = 4096

  /// Adds sessions, each on the worker that owns its tuple, and waits until they act on packets.
  ///
  /// - Returns: the outcomes, in the order of the requests.
  package func add(_ requests: [SessionRequest], replacing: Bool = false) -> [AddOutcome] {
    var outcomes = [AddOutcome](repeating: .added, count: requests.count)
    var byWorker = [[Int]](repeating: [], count: setup.workers)
    for index in requests.indices { byWorker[setup.owner(of: requests[index].tuple)].append(index) }
    for (worker, indices) in byWorker.enumerated() {
      for start in stride(from: 0, to: indices.count, by: Self.batchSize) {
        let part = indices[start..<min(start + Self.batchSize, indices.count)]
        let batch = SessionBatch(.add(part.map { requests[$0] }, replacing: replacing))
        run(batch, on: worker)
        for (position, index) in part.enumerated() { outcomes[index] = batch.outcomes[position].outcome }
      }
    }
    return outcomes
  }

  /// Hands a batch over; false when the worker has too many waiting. From any thread.
  func submit(_ batch: SessionBatch, to worker: Int) -> Bool {
    submitting.withLock { _ in commands[worker].submit(batch) }
  }

  /// Has a worker carry out a batch, and waits for it.
  func run(_ batch: SessionBatch, on worker: Int) {
    while !submit(batch, to: worker) { ControlPause.short() }
    while !batch.isDone { ControlPause.short() }
  }
}
