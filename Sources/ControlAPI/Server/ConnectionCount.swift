internal import Synchronization

/// How many connections are open at once, over all listeners.
final class ConnectionCount: Sendable {
  let limit: Int
  private let open = Atomic<Int>(0)

  init(limit: Int) { self.limit = limit }

  /// Whether there was room for one more, which now is counted until `leave`.
  func enter() -> Bool {
    let before = open.add(1, ordering: .relaxed).oldValue
    if before < limit { return true }
    leave()
    return false
  }

  func leave() { open.subtract(1, ordering: .relaxed) }
}
