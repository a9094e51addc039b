internal import Synchronization

/// How many requests all unfinished AddSession streams together may hold, so that clients that never finish
/// theirs cannot take all memory.
package final class RequestBudget: Sendable {
  private let left: Atomic<Int>

  /// - Parameter total: requests; one takes about 110 bytes.
  package init(_ total: Int) { left = Atomic(total) }

  /// Takes `count` if that many are left.
  package func take(_ count: Int) -> Bool {
    guard left.subtract(count, ordering: .relaxed).newValue < 0 else { return true }
    giveBack(count)
    return false
  }

  /// Returns what was taken.
  package func giveBack(_ count: Int) { left.add(count, ordering: .relaxed) }

  /// What can be taken at present.
  package var available: Int { left.load(ordering: .relaxed) }
}
