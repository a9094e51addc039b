public import Dataplane
package import PacketIO

/// The session API's core: every generation of the API is an adapter of this. Requests come in validated, go
/// to the workers that own their tuples as batches over the command rings, and are answered when applied.
public final class SessionService: Sendable {
  /// What a request to add sessions came to.
  public struct AddReply: Sendable {
    /// By position: what became of each request, and the id that its session has.
    public var outcomes: [(outcome: AddOutcome, id: SessionID)]
    /// Nanoseconds since the Unix epoch, UTC, when they were applied; nil when nothing was inserted or changed.
    public var commitTime: UInt64?
    /// Whether there was not room for all: then nothing was inserted, and every outcome that could have been
    /// an insertion is `tableFull`.
    public var isFull: Bool
  }

  /// Which sessions a list has. Numbers of `SessionRequestArgs.sessionstate`, decision A5.
  public enum Filter: UInt8, Sendable { case live = 0, established = 1, closing = 2, closed = 3, all = 4 }

  /// A page of a list.
  public struct Page: Sendable {
    public var sessions: [SessionSnapshot]
    /// Opaque, `SessionID.cursorBit` set; nil when this is the last page.
    public var next: UInt64?
  }

  /// A cursor that no list of this service gave out.
  public struct UnknownCursor: Error {}

  /// Records of closed sessions that one consumer is being sent and nobody else.
  public struct ClosedLease: Sendable {
    public var records: [SessionSnapshot]
    let positions: [UInt64]
  }

  /// Something that happened to a session, for those that look on.
  public struct Notice: Sendable {
    public enum Kind: UInt8, Sendable { case added = 0, changed = 1, deleted = 2, closed = 3 }
    public var kind: Kind
    public var session: SessionSnapshot
    /// Notices that this looker-on was too slow for, since the one before.
    public var lost: UInt64
  }

  /// Adds sessions as one atomic request (decision A9): when there is not room for all that are neither
  /// invalid nor duplicates, none is inserted. Of duplicates within `requests` the first wins.
  ///
  /// - Parameters:
  ///   - requests: validated; ids 0 are assigned here.
  ///   - replacing: whether the same id and tuple is changed in place (`x-upsert`).
  public func add(_ requests: [SessionRequest], replacing: Bool) async -> AddReply { fatalError() }

  /// A live session by id, else the newest retained record of it; nil when there is neither.
  public func session(_ id: SessionID) async -> SessionSnapshot? { fatalError() }

  /// Ends a live session, else acknowledges the newest retained record of the id.
  ///
  /// - Returns: its final state, closed (a deleted one without a close code); nil when there is neither.
  public func delete(_ id: SessionID) async -> SessionSnapshot? { fatalError() }

  /// A page of sessions, in no promised order; each that exists throughout is on exactly one page.
  ///
  /// - Parameters:
  ///   - cursor: nil for the first page.
  ///   - limit: the most sessions of the page, 1 or more.
  public func list(
    _ filter: Filter, from cursor: UInt64?, limit: Int
  ) async throws(UnknownCursor) -> Page { fatalError() }

  /// Up to `limit` closed records, oldest first, that nobody else is being sent.
  public func leaseClosed(limit: Int) -> ClosedLease { fatalError() }

  /// Ends a lease: the first `sent` records are removed, the others are there to be leased again.
  public func settle(_ lease: ClosedLease, sent: Int) { fatalError() }

  /// Returns once there may be a record to be leased, or when the task is cancelled or the service stops.
  public func waitForClosed() async { fatalError() }

  /// Records of closed sessions that are kept, the most that are, and those lost because newer ones came.
  public var closedStatus: (retained: Int, limit: Int, lost: UInt64) { fatalError() }

  /// What happens to sessions from now on; ends when the service stops. A looker-on that is too slow loses
  /// notices, which are counted.
  public func notices() -> AsyncStream<Notice> { fatalError() }

  /// Nanoseconds since the Unix epoch, UTC, of a time of the packet path.
  public func wallTime(_ time: PacketTime) -> UInt64 { fatalError() }

  /// The present time of the packet path.
  public var now: PacketTime { fatalError() }

  /// Ends the service: waiting calls return, streams end, later calls find nothing.
  public func stop() { fatalError() }

  /// - Parameters:
  ///   - group: started with `reportsSessions`, in the time of `clock`; its workers may still be held.
  ///   - closedRetention: records of closed sessions kept until acknowledged.
  package init(_ group: WorkerGroup, closedRetention: Int, clock: MonotonicClock) { fatalError() }
}
