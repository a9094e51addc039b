import Glibc

/// A test thread that waits for another one.
enum WaitingThread {
  static func yield() { sched_yield() }
}
