import CLinuxPacket
import Glibc

/// The repetitions of a command, and what it prints.
struct Repetitions {
  private let wanted: Int
  private var done = 0

  /// Prints `facts` about the set-up, which is finished, and whether 2 MB pages are used.
  init(_ options: CommonOptions, facts: String) {
    wanted = options.repetitions
    Self.say("{\"pages\":\"\(HugePages.inUse)\",\(facts)}")
  }

  /// Waits for the next repetition's turn; false at the end.
  mutating func next() -> Bool {
    if wanted > 0 {
      done += 1
      return done <= wanted
    }
    return readLine() != nil
  }

  /// Prints what a repetition took: `nanoseconds` of CPU time for `operations`.
  func report(_ nanoseconds: UInt64, operations: Int, more: String = "") {
    let hundredths = (nanoseconds &* 100 + UInt64(operations) / 2) / UInt64(operations)
    let digits = hundredths % 100
    Self.say("{\"ns\":\(hundredths / 100).\(digits < 10 ? "0" : "")\(digits)\(more)}")
  }

  private static func say(_ line: String) {
    print(line)
    fflush(nil)
  }
}

/// CPU time of this thread, in nanoseconds: preemption does not count.
enum CPUClock {
  static var now: UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
