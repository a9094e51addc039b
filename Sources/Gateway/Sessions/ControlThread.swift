import Dataplane
import Glibc

/// The thread `sluice-ctl`: takes what workers report, and wakes the tasks whose batches are done.
///
/// It looks often while batches are outstanding, and sleeps otherwise, waking for reports now and then.
/// Reports are taken between seeing a batch done and waking its task: a task that has learned that a session
/// is not live any more finds its record.
struct ControlThread: Sendable {
  /// Nanoseconds between looks for reports when nothing else happens.
  private static let rest: UInt64 = 5_000_000
  /// Microseconds between looks while a batch is outstanding: a worker that forwards takes one up after its
  /// present burst, an idle one within 50 or so. Later looks are rarer: the worker has no core just now.
  private static let pauses: [UInt32] = [20, 20, 30, 30, 50]
  private static let patience = 100
  private static let longPause: UInt32 = 500

  let group: WorkerGroup
  let queue: CommandQueue
  let journal: SessionJournal

  /// Returns once the queue is stopped and everything is answered, or no worker is left to answer.
  func run() {
    var looks = 0
    while true {
      let isFinished = group.isFinished
      let progress = queue.look()
      let events = journal.takeEvents()
      for waiter in progress.finished { waiter.task.wake() }
      if progress.isStopping, progress.outstanding == 0 || isFinished { break }
      if !progress.finished.isEmpty { looks = 0 }
      if progress.outstanding > 0 {
        pause(looks)
        looks += 1
      } else if events < Self.many {
        queue.rest(atMost: Self.rest)
        looks = 0
      }
    }
    _ = journal.takeEvents()
    for waiter in queue.abandon() { waiter.task.wake() }
    journal.stop()
  }

  private func pause(_ looks: Int) {
    usleep(looks < Self.patience ? Self.pauses[min(looks, Self.pauses.count - 1)] : Self.longPause)
  }

  /// Reports at one look after which the next one follows at once.
  private static let many = 1024
}
