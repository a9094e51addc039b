import Dataplane
import Glibc
import Synchronization

/// Where the threads of a group meet when each has its memory: all of them go on, or none does.
final class StartLine: Sendable {
  private let reported = Atomic<Int>(0)
  private let failure = Mutex<WorkerError?>(nil)
  private let decision = Atomic<Int>(undecided)

  private static let undecided = 0
  private static let go = 1
  private static let giveUp = 2

  /// Called by each thread once, with what went wrong; waits until all have been decided about.
  ///
  /// - Returns: whether to go on.
  func report(_ error: WorkerError?) -> Bool {
    if let error { failure.withLock { $0 = error } }
    reported.add(1, ordering: .releasing)
    while true {
      let decision = decision.load(ordering: .acquiring)
      if decision != Self.undecided { return decision == Self.go }
      usleep(50)
    }
  }

  /// Waits for as many reports, and lets the threads go on.
  ///
  /// - Throws: what one of them reported; then none goes on.
  func release(_ threads: Int) throws(WorkerError) {
    while reported.load(ordering: .acquiring) < threads { ControlPause.short() }
    if let error = failure.withLock({ $0 }) {
      abandon()
      throw error
    }
    decision.store(Self.go, ordering: .releasing)
  }

  /// Lets none go on.
  func abandon() { decision.store(Self.giveUp, ordering: .releasing) }
}
