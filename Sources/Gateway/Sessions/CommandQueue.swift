import Dataplane

/// Batches on their way to the workers and back, and the tasks that wait for them.
///
/// A task hands its batches straight to the workers' rings; what a full ring does not take waits here. Which
/// are done the control thread finds out by looking: a worker wakes nobody.
final class CommandQueue: Sendable {
  /// A task that waits for some batches.
  final class Waiter: @unchecked Sendable {
    // SAFETY (@unchecked): `remaining` is touched with the queue's lock held.
    fileprivate var remaining: Int
    let task: SleepingTask

    fileprivate init(_ count: Int, _ task: SleepingTask) {
      remaining = count
      self.task = task
    }
  }

  private struct Entry {
    let batch: SessionBatch
    let waiter: Waiter
  }

  /// One worker's batches, in the order in which it applies them.
  private struct Lane {
    var inFlight: [Entry] = []
    /// Entries of `inFlight` that are done.
    var done = 0
    /// Those from here on are not in the ring yet.
    var submitted = 0
  }

  private struct State {
    var lanes: [Lane]
    /// Batches that are not done.
    var outstanding = 0
    var isStopping = false
    /// Whether the control thread sleeps until it is woken.
    var isResting = false
  }

  private let group: WorkerGroup
  private let state: Guarded<State>

  init(_ group: WorkerGroup) {
    self.group = group
    state = Guarded(State(lanes: Array(repeating: Lane(), count: group.setup.workers)))
  }

  /// Has batches applied; returns when all are. When the service ends first, some are not done.
  ///
  /// A task that is cancelled waits all the same: nothing is left half done.
  func run(_ batches: [(worker: Int, batch: SessionBatch)]) async {
    guard !batches.isEmpty else { return }
    await SleepingTask.sleep { task in
      let waiter = Waiter(batches.count, task)
      let (isAccepted, mustWake) = state.withLock { state -> (Bool, Bool) in
        if state.isStopping { return (false, false) }
        for (worker, batch) in batches {
          state.lanes[worker].inFlight.append(Entry(batch: batch, waiter: waiter))
          submit(&state.lanes[worker], to: worker)
        }
        state.outstanding += batches.count
        let mustWake = state.isResting
        state.isResting = false
        return (true, mustWake)
      }
      if mustWake { state.signal() }
      return isAccepted
    }
  }

  private func submit(_ lane: inout Lane, to worker: Int) {
    while lane.submitted < lane.inFlight.count, group.submit(lane.inFlight[lane.submitted].batch, to: worker)
    {
      lane.submitted += 1
    }
  }

  // MARK: The control thread's side

  /// What it found.
  struct Progress {
    /// Tasks whose batches are all done.
    var finished: [Waiter] = []
    /// Batches that are not.
    var outstanding = 0
    var isStopping = false
  }

  /// Collects what is done, and fills rings that have room again.
  func look() -> Progress {
    state.withLock { state in
      var progress = Progress()
      if state.outstanding > 0 {
        for worker in state.lanes.indices { collect(&state, worker, &progress) }
      }
      progress.outstanding = state.outstanding
      progress.isStopping = state.isStopping
      return progress
    }
  }

  private func collect(_ state: inout State, _ worker: Int, _ progress: inout Progress) {
    while state.lanes[worker].done < state.lanes[worker].submitted {
      let entry = state.lanes[worker].inFlight[state.lanes[worker].done]
      guard entry.batch.isDone else { break }
      state.lanes[worker].done += 1
      state.outstanding -= 1
      entry.waiter.remaining -= 1
      if entry.waiter.remaining == 0 { progress.finished.append(entry.waiter) }
    }
    let done = state.lanes[worker].done
    if done == state.lanes[worker].inFlight.count || done > Self.spareEntries {
      state.lanes[worker].inFlight.removeFirst(done)
      state.lanes[worker].submitted -= done
      state.lanes[worker].done = 0
    }
    submit(&state.lanes[worker], to: worker)
  }

  /// Sleeps while nothing is outstanding, at most `nanoseconds`.
  func rest(atMost nanoseconds: UInt64) {
    state.wait(atMost: nanoseconds) { state in
      state.isResting = state.outstanding == 0 && !state.isStopping
      return !state.isResting
    }
  }

  /// Takes no more batches.
  func stop() {
    state.withLock { $0.isStopping = true }
    state.signal()
  }

  /// Everybody who still waits: no worker will answer any more.
  func abandon() -> [Waiter] {
    state.withLock { state in
      var waiters: [Waiter] = []
      for worker in state.lanes.indices {
        for entry in state.lanes[worker].inFlight[state.lanes[worker].done...] {
          entry.waiter.remaining -= 1
          if entry.waiter.remaining == 0 { waiters.append(entry.waiter) }
        }
        state.lanes[worker] = Lane()
      }
      state.outstanding = 0
      return waiters
    }
  }

  /// Answered batches that are kept before they are removed together.
  private static let spareEntries = 256
}
