/// Sessions that ended on a worker, for one thread of the control side to take.
public final class SessionEvents: Sendable {
  let ring: SPSCRing<SessionSnapshot>

  /// - Parameter capacity: sessions that may wait to be taken, rounded up to a power of two.
  public init(capacity: Int = 4096) { ring = SPSCRing(capacity: capacity) }

  /// The oldest ended session; nil when there is none now.
  public func take() -> SessionSnapshot? { ring.pop() }

  /// Whether the worker has reported everything it ever will, and all was taken.
  public var isFinished: Bool { ring.isFinished }
}
