package import Dataplane
import Glibc

/// The packet path's time in the daemon: the monotonic clock, and what wall time it corresponds to.
public struct MonotonicClock: Sendable {
  /// Wall time less monotonic time when the clock was made, in nanoseconds.
  package let wallOffset: UInt64

  public init() { wallOffset = Self.read(CLOCK_REALTIME) &- Self.read(CLOCK_MONOTONIC) }

  /// A clock with the wall time of an earlier process of the same machine, if `offset`, that one's
  /// `wallOffset`, is still right to a second: what was told then stays true.
  package init(continuing offset: UInt64) {
    let present = MonotonicClock()
    let difference = Int64(bitPattern: present.wallOffset &- offset).magnitude
    wallOffset = difference < 1_000_000_000 ? offset : present.wallOffset
  }

  /// Nanoseconds since an unknown moment, never backwards.
  package var now: PacketTime { PacketTime(nanoseconds: Self.read(CLOCK_MONOTONIC)) }

  /// Nanoseconds since the Unix epoch, UTC, of a time of this clock. Later corrections of the wall clock do
  /// not show, so that times of one run never contradict each other.
  package func wallTime(_ time: PacketTime) -> UInt64 { time.nanoseconds &+ wallOffset }

  private static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
