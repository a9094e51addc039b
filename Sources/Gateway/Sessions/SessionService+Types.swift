public import Dataplane

extension SessionService {
  /// What a request to add sessions came to.
  public struct AddReply: Sendable {
    /// By position: what became of each request, and the id that its session has.
    public var outcomes: [(outcome: AddOutcome, id: SessionID)]
    /// Nanoseconds since the Unix epoch, UTC, when they were applied; nil when nothing was inserted or
    /// changed.
    public var commitTime: UInt64?
    /// Whether there was not room for all: then nothing was inserted or changed, and every outcome that could
    /// have been an insertion or a change is `tableFull`.
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

  /// Records of closed sessions that one consumer is being sent and nobody else, until `settle`.
  public struct ClosedLease: Sendable {
    public var records: [SessionSnapshot]
    let positions: [UInt64]
  }

  /// Something that happened to a session, for those that look on.
  public struct Notice: Sendable {
    /// `closed` is said at once, with the counters of that moment; late packets show in the record.
    public enum Kind: UInt8, Sendable { case added = 0, changed = 1, deleted = 2, closed = 3 }
    public var kind: Kind
    public var session: SessionSnapshot
    /// Notices that this looker-on was too slow for, since the one before.
    public var lost: UInt64
  }
}
