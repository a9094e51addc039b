import Dataplane
import Glibc

/// Wall time for pacing a replay. Packets never see it.
enum WallClock {
  /// The longest that is slept at once: Ctrl-C and commands are looked at in between.
  private static let longestSleep: UInt64 = 10_000_000
  /// Below this a worker's own short pauses do.
  private static let shortestSleep: UInt64 = 200_000

  /// Nanoseconds from some point in the past; runs on evenly when the clock is set.
  static var now: UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* PacketTime.nanosecondsPerSecond &+ UInt64(time.tv_nsec)
  }

  /// Sleeps for a part of `nanoseconds` that leaves time to wake up.
  static func sleep(atMost nanoseconds: UInt64) {
    guard nanoseconds > shortestSleep else { return }
    var time = timespec(tv_sec: 0, tv_nsec: Int(min(nanoseconds - shortestSleep / 2, longestSleep)))
    unsafe nanosleep(&time, nil)
  }
}
