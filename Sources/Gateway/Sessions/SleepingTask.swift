/// A task that sleeps until somebody wakes it, which must happen exactly once.
@safe final class SleepingTask: Sendable {
  // SAFETY: `wake` is called once, by whoever took the task out of the one place where it waits.
  private let continuation: UnsafeContinuation<Void, Never>

  private init(_ continuation: UnsafeContinuation<Void, Never>) { unsafe self.continuation = continuation }

  func wake() { unsafe continuation.resume() }

  /// Sleeps, once `enqueue` has put the task where somebody will find it; returns at once when that says
  /// false, having put it nowhere.
  static func sleep(_ enqueue: (SleepingTask) -> Bool) async {
    await unsafe withUnsafeContinuation { continuation in
      let task = unsafe SleepingTask(continuation)
      if !enqueue(task) { task.wake() }
    }
  }
}
