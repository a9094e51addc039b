internal import Synchronization

/// Whether the services of a server answer: all do, from the start until it stops.
final class HealthStatus: Sendable {
  private struct State {
    var services: Set<String> = [""]
    var isServing = false
    var hasStopped = false
    var watchers: [Int: AsyncStream<Bool>.Continuation] = [:]
    var nextWatcher = 0
  }

  private let state = Mutex(State())

  /// Services that there are, beside the one named "", which is the server as a whole.
  func add(_ names: Set<String>) { state.withLock { $0.services.formUnion(names) } }

  /// nil when there is no such service.
  func isServing(_ service: String) -> Bool? {
    state.withLock { $0.services.contains(service) ? $0.isServing : nil }
  }

  func serve() { change(to: true) }

  /// Watchers are told, and their streams end.
  func stop() {
    change(to: false)
    let watchers = state.withLock { state in
      state.hasStopped = true
      defer { state.watchers = [:] }
      return state.watchers
    }
    for watcher in watchers.values { watcher.finish() }
  }

  private func change(to isServing: Bool) {
    let watchers = state.withLock { state in
      state.isServing = isServing
      return state.watchers
    }
    for watcher in watchers.values { watcher.yield(isServing) }
  }

  /// Somebody who looks on.
  struct Watch: Sendable {
    /// The present status and each one after it, until the server stops. Who is slow sees the newest.
    let changes: AsyncStream<Bool>
    private let continuation: AsyncStream<Bool>.Continuation

    fileprivate init(_ changes: AsyncStream<Bool>, _ continuation: AsyncStream<Bool>.Continuation) {
      self.changes = changes
      self.continuation = continuation
    }

    /// Ends it, after what has happened so far.
    func end() { continuation.finish() }
  }

  func watch() -> Watch {
    let (changes, continuation) = AsyncStream.makeStream(of: Bool.self, bufferingPolicy: .bufferingNewest(1))
    let (number, hasStopped) = state.withLock { state in
      continuation.yield(state.isServing)
      defer { state.nextWatcher += 1 }
      if !state.hasStopped { state.watchers[state.nextWatcher] = continuation }
      return (state.nextWatcher, state.hasStopped)
    }
    if hasStopped {
      continuation.finish()
    } else {
      continuation.onTermination = { [weak self] _ in self?.forget(number) }
    }
    return Watch(changes, continuation)
  }

  private func forget(_ watcher: Int) {
    // Let go outside the lock: what it frees may end the stream again.
    let removed = state.withLock { $0.watchers.removeValue(forKey: watcher) }
    _ = removed
  }
}
