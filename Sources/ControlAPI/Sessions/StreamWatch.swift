internal import Synchronization

/// Ends AddSession streams from which nothing comes: a client that holds them open would keep their memory.
/// One for all; it looks sixteen times in the allowed time, and only while there are streams.
package final class StreamWatch: Sendable {
  /// One stream. It notes each message, which takes no lock; the watch looks.
  package final class Stream: Sendable {
    fileprivate let progress = Atomic<Int>(0)
    private let expired = Atomic<Bool>(false)
    private let cancel = Mutex<(@Sendable () -> Void)?>(nil)

    package init() {}

    /// Whether the watch ended it.
    package var isExpired: Bool { expired.load(ordering: .acquiring) }

    /// There were `count` messages so far.
    package func note(_ count: Int) { progress.store(count, ordering: .relaxed) }

    /// - Parameter cancel: called when the watch ends the stream.
    package func onExpiry(_ cancel: @escaping @Sendable () -> Void) {
      self.cancel.withLock { $0 = cancel }
    }

    fileprivate func expire() {
      expired.store(true, ordering: .releasing)
      cancel.withLock { $0 }?()
    }
  }

  private struct Entry {
    let stream: Stream
    var progress = -1
    /// Looks in a row that saw no progress.
    var looks = 0
  }

  private struct State {
    var entries: [ObjectIdentifier: Entry] = [:]
    var isLooking = false
  }

  private let state = Mutex(State())
  private let interval: Duration

  /// - Parameter allowed: time without a message, after which a stream is ended within another sixteenth.
  package init(allowed: Duration) { interval = allowed / StreamWatch.looks }

  package func add(_ stream: Stream) {
    let begins = state.withLock { state in
      state.entries[ObjectIdentifier(stream)] = Entry(stream: stream)
      defer { state.isLooking = true }
      return !state.isLooking
    }
    if begins { look() }
  }

  package func remove(_ stream: Stream) {
    state.withLock { _ = $0.entries.removeValue(forKey: ObjectIdentifier(stream)) }
  }

  private func look() {
    Task.detached { [weak self, interval] in
      repeat {
        try? await Task.sleep(for: interval)
      } while self?.lookOnce() == true
    }
  }

  /// - Returns: whether there are streams left to look at.
  private func lookOnce() -> Bool {
    let (idle, isLooking) = state.withLock { state in
      var idle: [Stream] = []
      for (key, entry) in state.entries {
        var entry = entry
        let progress = entry.stream.progress.load(ordering: .relaxed)
        entry.looks = progress == entry.progress ? entry.looks + 1 : 0
        entry.progress = progress
        state.entries[key] = entry
        if entry.looks >= StreamWatch.looks { idle.append(entry.stream) }
      }
      for stream in idle { state.entries[ObjectIdentifier(stream)] = nil }
      state.isLooking = !state.entries.isEmpty
      return (idle, state.isLooking)
    }
    for stream in idle { stream.expire() }
    return isLooking
  }

  private static let looks = 16
}
