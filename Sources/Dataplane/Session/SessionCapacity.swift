import Synchronization

/// The number of live sessions over all workers, and its limit. Shared; touched when a session opens or ends.
public final class SessionCapacity: Sendable {
  /// The most live sessions.
  public let limit: Int
  private let live = Atomic<Int>(0)

  /// Whether several threads claim places at once. With a single worker all do so through it
  /// (`SessionBatch.reserve`), the control side too: it then needs no locked operation, which would wait for
  /// every memory access before it.
  package let isShared: Bool

  public init(limit: Int, isShared: Bool = true) {
    self.limit = limit
    self.isShared = isShared
  }

  /// Live sessions at this moment.
  public var count: Int { live.load(ordering: .relaxed) }

  /// Claims a place for `count` sessions, all or none.
  package func reserve(_ count: Int = 1) -> Bool {
    // Never above the limit, not even for a moment: another worker would be refused for nothing.
    var known = live.load(ordering: .relaxed)
    guard isShared else {
      guard known + count <= limit else { return false }
      live.store(known + count, ordering: .relaxed)
      return true
    }
    while known + count <= limit {
      let (isReserved, current) = live.compareExchange(
        expected: known, desired: known + count, ordering: .relaxed)
      if isReserved { return true }
      known = current
    }
    return false
  }

  /// Counts sessions that came back from files, whatever the limit: they are there.
  package func claimRestored(_ count: Int) { live.add(count, ordering: .relaxed) }

  package func release(_ count: Int = 1) {
    if isShared {
      live.subtract(count, ordering: .relaxed)
    } else {
      live.store(live.load(ordering: .relaxed) - count, ordering: .relaxed)
    }
  }
}
