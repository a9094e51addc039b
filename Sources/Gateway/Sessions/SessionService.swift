public import Dataplane
package import PacketIO

/// The session API's core: every generation of the API is an adapter of this. Requests come in validated, go
/// to the workers that own their tuples as batches over the command rings, and are answered when applied.
///
/// Safe to use from any task and thread. What is cancelled while it waits for workers is carried out all the
/// same: nothing is ever half done.
public final class SessionService: Sendable {
  let group: WorkerGroup
  let queue: CommandQueue
  let journal: SessionJournal
  let turn = CommitTurn()
  private let cursorSecret: UInt64
  private let clock: MonotonicClock
  private let thread: WorkerThread

  /// - Parameters:
  ///   - group: started with `reportsSessions`, in the time of `clock`; its workers are still held.
  ///   - closedRetention: records of closed sessions kept until acknowledged.
  ///   - reportsDeleted: whether deleted sessions leave a record too.
  /// - Throws: `.thread` when the kernel refuses one.
  package init(
    _ group: WorkerGroup, closedRetention: Int, reportsDeleted: Bool = false, clock: MonotonicClock
  ) throws(WorkerError) {
    self.group = group
    self.clock = clock
    let queue = CommandQueue(group)
    let journal = SessionJournal(group, retention: closedRetention, reportsDeleted: reportsDeleted)
    self.queue = queue
    self.journal = journal
    cursorSecret = SystemRandomNumberGenerator.word()
    let control = ControlThread(group: group, queue: queue, journal: journal)
    thread = try WorkerThread(name: "sluice-ctl") { control.run() }
  }

  deinit { stop() }

  /// Ends the service: waiting calls return, streams end, later calls find nothing. What workers have been
  /// given is still answered while they run.
  package func stop() {
    queue.stop()
    thread.join()
  }

  /// Has every worker carry out an operation of its own; returns when all have.
  func run(_ operations: [SessionBatch.Operation]) async {
    await queue.run(operations.enumerated().map { (worker: $0.offset, batch: SessionBatch($0.element)) })
  }

  /// Has one worker apply a batch, and waits for it; it is not done when the daemon stops.
  func run(_ batch: SessionBatch, on worker: Int) async { await queue.run([(worker, batch)]) }

  /// Nanoseconds since the Unix epoch, UTC, of a time of the packet path.
  public func wallTime(_ time: PacketTime) -> UInt64 { clock.wallTime(time) }

  /// The present time of the packet path.
  public var now: PacketTime { clock.now }

  var cursors: ListCursor.Code { ListCursor.Code(secret: cursorSecret, workers: group.setup.workers) }
}

extension SystemRandomNumberGenerator {
  fileprivate static func word() -> UInt64 {
    var generator = SystemRandomNumberGenerator()
    return generator.next()
  }
}
