import Synchronization

/// What happens to a worker's sessions, for one thread of the control side to take.
public final class SessionEvents: Sendable {
  let ring: SPSCRing<SessionEvent>
  private let wanted = Atomic<UInt8>(0)

  /// - Parameter capacity: events that may wait to be taken, rounded up to a power of two.
  public init(capacity: Int = 4096) { ring = SPSCRing(capacity: capacity) }

  /// What is reported beside the ends of sessions: nothing at first. Holds from the worker's next burst or
  /// command on.
  public var interest: SessionInterest {
    get { SessionInterest(rawValue: wanted.load(ordering: .relaxed)) }
    set { wanted.store(newValue.rawValue, ordering: .relaxed) }
  }

  /// The oldest event; nil when there is none now.
  public func takeEvent() -> SessionEvent? { ring.pop() }

  /// The oldest session that ended, or that lives on at the end of a run; nil when there is none now.
  public func take() -> SessionSnapshot? {
    while let event = ring.pop() {
      switch event.kind {
      case .forgotten, .ended, .live: return event.session
      case .opened, .changed, .closed: continue
      }
    }
    return nil
  }

  /// Whether the worker has reported everything it ever will, and all was taken.
  public var isFinished: Bool { ring.isFinished }
}
