import CLinuxPacket
import Glibc

/// The descriptors that a worker without packets sleeps on beside its doorbell. Whichever becomes readable
/// wakes it. Owned by one worker, filled by its queue before each sleep.
@safe public struct PollSet: ~Copyable {
  /// Descriptors that fit. What a queue has beyond them is found when the sleep ends by itself.
  public static let capacity = 1024

  /// The doorbell first.
  private let entries: UnsafeMutablePointer<pollfd>
  private var count = 1

  package init() {
    unsafe entries = .allocate(capacity: Self.capacity + 1)
    unsafe entries.initialize(repeating: pollfd(), count: Self.capacity + 1)
  }

  deinit { unsafe entries.deallocate() }

  /// Forgets all descriptors.
  package mutating func removeAll() { count = 1 }

  /// Lets `descriptor` end the sleep.
  ///
  /// - Parameter descriptor: readable for as long as there is something to receive (poll(2), POLLIN).
  public mutating func watch(_ descriptor: Int32) {
    guard count <= Self.capacity else { return }
    // SAFETY: `count` is below the allocation's length.
    unsafe entries[count] = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    count += 1
  }

  /// Waits until something is readable, at most so many nanoseconds. A descriptor that has nothing but an
  /// error to tell does not end the wait: whoever owns it finds it out when it receives.
  ///
  /// - Returns: whether it was the doorbell.
  mutating func wait(atMost nanoseconds: UInt64, doorbell: Int32) -> Bool {
    // SAFETY: the first `count` entries, 1...capacity + 1, are initialised.
    unsafe entries[0] = pollfd(fd: doorbell, events: Int16(POLLIN), revents: 0)
    unsafe sluice_poll_readable(entries, UInt32(count), nanoseconds)
    return unsafe entries[0].revents & Int16(POLLIN) != 0
  }
}
