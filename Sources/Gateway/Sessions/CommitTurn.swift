/// Whose turn it is to add sessions, in order of arrival: with several workers an id may be in use on any of
/// them, and looking for it and adding must not be interleaved with somebody else's.
///
/// A task that is cancelled keeps its place and gives the turn back like any other.
final class CommitTurn: Sendable {
  private struct State {
    var isTaken = false
    /// Those who wait, from `first` on.
    var waiting: [SleepingTask] = []
    var first = 0
  }

  private let state = Guarded(State())

  /// Runs `body` when it is its turn.
  func whenDue<Result: Sendable>(_ body: () async -> Result) async -> Result {
    await SleepingTask.sleep { task in
      state.withLock { state in
        defer { state.isTaken = true }
        if state.isTaken { state.waiting.append(task) }
        return state.isTaken
      }
    }
    let result = await body()
    state.withLock { Self.next(&$0) }?.wake()
    return result
  }

  /// The one whose turn is next; nil leaves the turn free.
  private static func next(_ state: inout State) -> SleepingTask? {
    guard state.first < state.waiting.count else {
      state = State()
      return nil
    }
    state.first += 1
    let next = state.waiting[state.first - 1]
    if state.first > 64, state.first > state.waiting.count / 2 {
      state.waiting.removeFirst(state.first)
      state.first = 0
    }
    return next
  }
}
