import Synchronization

/// A batch of session operations for one worker, and its answers. Made and read by the control side;
/// while it is in the worker's command ring only the worker touches it.
public final class SessionBatch: @unchecked Sendable {
  // SAFETY (@unchecked): handed over by the command ring and back by `isDone`; never used by both at once.

  /// What is asked.
  public enum Operation {
    /// Add these; with `replacing` the same id and tuple is changed in place.
    case add([SessionRequest], replacing: Bool, places: Places = .each)
    /// What `add` would answer, room aside, after the requests of the plan, which these then join.
    case check([SessionRequest], replacing: Bool, AdditionPlan)
    /// Claim this many places among the live sessions, all or none: `isGranted`.
    case reserve(Int)
    /// End every session whose time is over.
    case makeRoom
    /// Show bursts to a capture from now on, or no more.
    case tap(PacketTap)
    case untap(PacketTap)
    /// The same for a trace.
    case trace(PacketTrace)
    case untrace(PacketTrace)
    /// Make ready for other ports and policies: `isGranted` says whether that can be.
    case prepare(WorkerChange)
    /// Change to what was prepared, or never do.
    case commit(WorkerChange)
    case abandon(WorkerChange)
    case find([SessionID])
    case delete([SessionID])
    /// Closed sessions that linger.
    case findLingering([LingeringSession])
    /// Sessions of these states from the worker's record `cursor` on, at most `limit`; it looks at no more
    /// than `scanning` records.
    case list(cursor: UInt32, limit: Int, states: SessionStates = .live, scanning: Int = .max)
    /// Neighbours of routed ports from a place on; it looks at so many places.
    case neighbors(from: UInt32, scanning: Int)
  }

  /// Where the places of added sessions come from.
  public enum Places: Sendable {
    /// Each session claims its own: some may be refused.
    case each
    /// Claimed for all that need one at once, or none is added: `isGranted`.
    case together
    /// So many were claimed before. What is not used is given back.
    case held(Int)
  }

  public let operation: Operation
  /// Answers to `add` and `check`, by position: the outcome, and the id that the session has.
  public internal(set) var outcomes: [(outcome: AddOutcome, id: SessionID)] = []
  /// Answers to `find`, `delete` and `findLingering` by position, nil where there is no such session; those
  /// to `list` in no promised order.
  public internal(set) var snapshots: [SessionSnapshot?] = []
  /// The answer to `neighbors`.
  package internal(set) var neighbors: [NeighborSnapshot] = []
  /// Where a list goes on; nil when it is complete.
  public internal(set) var nextCursor: UInt32?
  /// False when places were asked for together and there were not enough: then nothing was done.
  public internal(set) var isGranted = true
  /// The worker's time when it applied the batch.
  public internal(set) var time = PacketTime.zero
  private let done = Atomic<Bool>(false)

  public init(_ operation: Operation) { self.operation = operation }

  /// Whether the worker has applied the batch: only then may the answers be read.
  public var isDone: Bool { done.load(ordering: .acquiring) }

  func finish() { done.store(true, ordering: .releasing) }

  /// Session operations in it: how long it may hold a worker up.
  var weight: Int {
    switch operation {
    case .add(let requests, _, _): requests.count
    case .check(let requests, _, _): requests.count
    case .reserve, .makeRoom, .tap, .untap, .trace, .untrace, .prepare, .commit, .abandon: 1
    case .find(let ids), .delete(let ids): ids.count
    case .findLingering(let sessions): sessions.count
    case .neighbors(_, let scanning): scanning / 8
    // Records that are looked at lie one after another.
    case .list(_, let limit, _, let scanning): limit / 2 + min(scanning, 1 << 20) / 32
    }
  }
}

/// Which closed session: its record may have been taken by another since.
public struct LingeringSession: Hashable, Sendable {
  public var record: UInt32
  public var id: SessionID
  public var start: PacketTime

  public init(record: UInt32, id: SessionID, start: PacketTime) {
    self.record = record
    self.id = id
    self.start = start
  }
}
