import Glibc

/// State of the control side behind a lock, which a thread may wait on. Held for moments only, never across
/// an `await`.
@safe package final class Guarded<State>: @unchecked Sendable {
  // SAFETY (@unchecked): `state` is touched with the mutex held only.
  private var state: State
  // SAFETY: allocated in init, destroyed and freed in deinit; only the pthread functions touch them.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  package init(_ state: State) {
    self.state = state
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe condition.initialize(to: pthread_cond_t())
    unsafe pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    unsafe pthread_cond_init(condition, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  /// Runs `body` alone.
  package func withLock<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  /// Waits, with others let in, until `isReady` holds or about `nanoseconds` have passed.
  func wait(atMost nanoseconds: UInt64, until isReady: (inout State) -> Bool) {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    guard !isReady(&state) else { return }
    var end = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &end)
    let total = UInt64(end.tv_nsec) + nanoseconds
    end.tv_sec += Int(total / 1_000_000_000)
    end.tv_nsec = Int(total % 1_000_000_000)
    while !isReady(&state) {
      if unsafe pthread_cond_timedwait(condition, mutex, &end) == ETIMEDOUT { return }
    }
  }

  /// Wakes who waits.
  func signal() { unsafe pthread_cond_signal(condition) }
}
