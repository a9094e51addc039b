internal import NIOCore
internal import NIOPosix

/// The one thread that the control API is served by: connections, HTTP/2 and the tasks of calls. Between a
/// loop's thread and those that Swift runs tasks on each message would cost wake-ups, which are dearer than
/// the work on it.
///
/// What runs here must not block. What answers calls must run here, tasks of its own too: on the loop answers
/// are passed on at once, and so would overtake those that another thread has handed to it.
final class ControlLoop: TaskExecutor {
  /// Of the process; it lasts as long.
  static let shared = ControlLoop()

  let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private let loop: any EventLoop

  private init() { loop = group.next() }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    // SAFETY: each job is run once; the executor is the process's, and outlives it.
    loop.execute { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
