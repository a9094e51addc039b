import Dataplane

/// Closed sessions: one consumer is sent each record, others may look. A session is closed from the moment
/// when that is detected; its record is final, and can be leased, once the session no longer lingers and late
/// packets cannot change it any more (10 s after FIN or RST, at once after a timeout).
extension SessionService {
  /// Keeps so many records of closed sessions from now on; the oldest that are too many are lost.
  package func setClosedRetention(_ limit: Int) { journal.setRetention(limit) }

  /// Up to `limit` final records, oldest first, that nobody else is being sent. Whoever leases settles, with
  /// 0 when nothing arrived.
  public func leaseClosed(limit: Int) -> ClosedLease { journal.lease(limit: limit) }

  /// Ends a lease: the first `sent` records are removed, the others are there to be leased again.
  public func settle(_ lease: ClosedLease, sent: Int) { journal.settle(lease, sent: sent) }

  /// Returns once there may be a record to be leased, or when the task is cancelled or the service stops.
  public func waitForClosed() async { await journal.waitForClosed() }

  /// Records of closed sessions that are kept (those of lingering sessions and those being sent come on top
  /// of the limit), the most that are, and those lost because newer ones came.
  public var closedStatus: (retained: Int, limit: Int, lost: UInt64) { journal.status }

  /// What happens to sessions from now on; ends when the service stops. A looker-on that is too slow loses
  /// notices, which are counted. Nil when `mostWatchers` look on already.
  public func notices() -> AsyncStream<Notice>? { journal.notices() }

  /// Lookers-on at once: each notice is copied for each.
  public static let mostWatchers = 64
}
