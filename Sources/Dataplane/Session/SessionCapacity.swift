import Synchronization

/// The number of live sessions over all workers, and its limit. Shared; touched when a session opens or ends.
public final class SessionCapacity: Sendable {
  /// The most live sessions.
  public let limit: Int
  private let live = Atomic<Int>(0)

  public init(limit: Int) { self.limit = limit }

  /// Live sessions at this moment.
  public var count: Int { live.load(ordering: .relaxed) }

  /// Claims a place for `count` sessions, all or none.
  package func reserve(_ count: Int = 1) -> Bool {
    // Never above the limit, not even for a moment: another worker would be refused for nothing.
    var known = live.load(ordering: .relaxed)
    while known + count <= limit {
      let (isReserved, current) = live.compareExchange(
        expected: known, desired: known + count, ordering: .relaxed)
      if isReserved { return true }
      known = current
    }
    return false
  }

  package func release(_ count: Int = 1) { live.subtract(count, ordering: .relaxed) }
}
