import CLinuxPacket
import Synchronization

/// Wakes a worker that sleeps because it has nothing to do. One worker sleeps on it, any thread rings it.
@safe package final class Doorbell: Sendable {
  private static let awake: UInt32 = 0
  private static let asleep: UInt32 = 1

  // SAFETY: allocated in init, freed in deinit; used atomically only, here and by the kernel.
  private nonisolated(unsafe) let word: UnsafeMutablePointer<Atomic<UInt32>>

  package init() {
    unsafe word = .allocate(capacity: 1)
    unsafe word.initialize(to: Atomic(Self.awake))
  }

  deinit { unsafe word.deallocate() }

  /// Wakes the worker, which then finds what was pushed before this call. Costs a fence.
  package func ring() {
    // The push comes before the look at the word, as in `sleep` the word comes before the look at the rings.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    ringIfAsleep()
  }

  /// The same without the fence, for once a burst: a worker that is just falling asleep may be missed.
  @inline(__always) package func ringIfAsleep() {
    if unsafe word.pointee.load(ordering: .relaxed) == Self.asleep { wake() }
  }

  @inline(never) private func wake() {
    unsafe word.pointee.store(Self.awake, ordering: .sequentiallyConsistent)
    unsafe sluice_futex_wake(UnsafeMutableRawPointer(word))
  }

  /// Sleeps until somebody rings, at most so many nanoseconds; not at all when there is work.
  ///
  /// - Parameter hasWork: looks at everything that rings.
  package func sleep(atMost nanoseconds: UInt64, unless hasWork: () -> Bool) {
    unsafe word.pointee.store(Self.asleep, ordering: .sequentiallyConsistent)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if !hasWork() {
      unsafe sluice_futex_wait(UnsafeMutableRawPointer(word), Self.asleep, nanoseconds)
    }
    unsafe word.pointee.store(Self.awake, ordering: .relaxed)
  }
}
