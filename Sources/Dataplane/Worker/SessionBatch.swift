import Synchronization

/// A batch of session operations for one worker, and its answers. Made and read by the control side;
/// while it is in the worker's command ring only the worker touches it.
public final class SessionBatch: @unchecked Sendable {
  // SAFETY (@unchecked): handed over by the command ring and back by `isDone`; never used by both at once.

  /// What is asked.
  public enum Operation: Sendable {
    /// Add these; with `replacing` the same id and tuple is changed in place.
    case add([SessionRequest], replacing: Bool)
    case find([SessionID])
    case delete([SessionID])
    /// Live sessions from the worker's record `cursor` on, at most `limit`; closed, lingering ones on
    /// request.
    case list(cursor: UInt32, limit: Int, includingClosed: Bool)
  }

  public let operation: Operation
  /// Answers to `add`, by position: the outcome, and the id that the session has.
  public internal(set) var outcomes: [(outcome: AddOutcome, id: SessionID)] = []
  /// Answers to `find` and `delete` by position, nil where there is no live session; those to `list` in no
  /// promised order.
  public internal(set) var snapshots: [SessionSnapshot?] = []
  /// Where a list goes on; nil when it is complete.
  public internal(set) var nextCursor: UInt32?
  private let done = Atomic<Bool>(false)

  public init(_ operation: Operation) { self.operation = operation }

  /// Whether the worker has applied the batch: only then may the answers be read.
  public var isDone: Bool { done.load(ordering: .acquiring) }

  func finish() { done.store(true, ordering: .releasing) }
}

/// The way from the control side to one worker.
public final class CommandRing: Sendable {
  private let ring = SPSCRing<UInt>(capacity: 256)
  private let holding: Atomic<Bool>
  /// Rung where a batch was handed over.
  let doorbell: Doorbell

  /// - Parameter isHolding: whether the worker takes commands only, no packets, until `release`.
  public convenience init(isHolding: Bool = false) {
    self.init(isHolding: isHolding, doorbell: Doorbell())
  }

  /// - Parameter doorbell: the worker's own, by which it is woken.
  package init(isHolding: Bool, doorbell: Doorbell) {
    holding = Atomic(isHolding)
    self.doorbell = doorbell
  }

  /// Lets the worker begin to receive.
  public func release() { holding.store(false, ordering: .releasing) }

  var isHolding: Bool { holding.load(ordering: .acquiring) }

  /// Hands a batch over; false when the worker has too many waiting.
  public func submit(_ batch: SessionBatch) -> Bool {
    // SAFETY: the reference is retained here and released where the worker takes it.
    let reference = unsafe Unmanaged.passRetained(batch)
    if ring.push(UInt(bitPattern: unsafe reference.toOpaque())) {
      doorbell.ring()
      return true
    }
    unsafe reference.release()
    return false
  }

  /// Whether a batch waits. Only the worker asks.
  var hasBatch: Bool { ring.count > 0 }

  /// The next batch. Only the worker calls this.
  func take() -> SessionBatch? {
    guard let bits = ring.pop(), let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else { return nil }
    return unsafe Unmanaged<SessionBatch>.fromOpaque(pointer).takeRetainedValue()
  }
}

extension Worker {
  /// Applies a batch between two bursts, at the worker's present time.
  public mutating func apply(_ batch: SessionBatch) {
    switch batch.operation {
    case .add(let requests, let replacing):
      batch.outcomes.reserveCapacity(requests.count)
      for request in requests {
        batch.outcomes.append(sessions.add(request, replacing: replacing, at: time))
        reportEnded()
      }
    case .find(let ids):
      batch.snapshots.reserveCapacity(ids.count)
      for id in ids {
        batch.snapshots.append(sessions.find(id, at: time))
        reportEnded()
      }
    case .delete(let ids):
      batch.snapshots.reserveCapacity(ids.count)
      for id in ids {
        batch.snapshots.append(sessions.delete(id, at: time))
        reportEnded()
      }
    case .list(let cursor, let limit, let includingClosed):
      batch.nextCursor = sessions.forEach(from: cursor, includingClosed: includingClosed) { session in
        batch.snapshots.append(session)
        return batch.snapshots.count < limit
      }
    }
    reportEnded()
    publishSessions()
    batch.finish()
  }
}
