import CLinuxPacket
import Glibc
import Synchronization

/// Wakes a worker that sleeps because it has nothing to do. One worker sleeps on it, any thread rings it.
@safe package final class Doorbell: Sendable {
  private static let awake: UInt32 = 0
  private static let asleep: UInt32 = 1

  private let word = Atomic<UInt32>(awake)
  /// An eventfd(2), made at the first sleep; -1 before, and when the kernel has none left.
  private let descriptor = Atomic<Int32>(-1)

  package init() {}

  deinit {
    let descriptor = descriptor.load(ordering: .acquiring)
    if descriptor >= 0 { close(descriptor) }
  }

  /// Wakes the worker, which then finds what was pushed before this call. Costs a fence.
  package func ring() {
    // The push comes before the look at the word, as in `sleep` the word comes before the look at the rings.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    ringIfAsleep()
  }

  /// The same without the fence, for once a burst: a worker that is just falling asleep may be missed.
  @inline(__always) package func ringIfAsleep() {
    if word.load(ordering: .relaxed) == Self.asleep { wake() }
  }

  @inline(never) private func wake() {
    word.store(Self.awake, ordering: .sequentiallyConsistent)
    // The sleeper made it before it said that it sleeps.
    atomicMemoryFence(ordering: .acquiring)
    sluice_event_raise(descriptor.load(ordering: .relaxed))
  }

  /// Sleeps until somebody rings or a descriptor of `wakes` is readable, at most so many nanoseconds; not at
  /// all when there is work. A ring that came too late for one sleep may end the next one early.
  ///
  /// - Parameter hasWork: looks at everything that rings.
  package func sleep(atMost nanoseconds: UInt64, _ wakes: inout PollSet, unless hasWork: () -> Bool) {
    // Without one a sleep lasts as long as it may, and what rings is found then.
    if descriptor.load(ordering: .relaxed) < 0 { descriptor.store(sluice_event_make(), ordering: .relaxed) }
    let descriptor = descriptor.load(ordering: .relaxed)
    word.store(Self.asleep, ordering: .sequentiallyConsistent)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if !hasWork() {
      if wakes.wait(atMost: nanoseconds, doorbell: descriptor) { sluice_event_clear(descriptor) }
    }
    word.store(Self.awake, ordering: .relaxed)
  }
}
