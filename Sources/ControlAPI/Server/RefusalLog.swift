internal import Synchronization

/// Says why connections were refused: at most one line a second, with a count of those that said nothing.
package final class RefusalLog: Sendable {
  private let write: @Sendable (String) -> Void
  private let state = Mutex<(next: ContinuousClock.Instant?, unsaid: Int)>((nil, 0))

  package init(_ write: @escaping @Sendable (String) -> Void) { self.write = write }

  package func refused(_ listener: String, _ reason: String, now: ContinuousClock.Instant = .now) {
    let unsaid: Int? = state.withLock { state in
      if let next = state.next, now < next {
        state.unsaid += 1
        return nil
      }
      defer { state = (now.advanced(by: .seconds(1)), 0) }
      return state.unsaid
    }
    guard let unsaid else { return }
    write(
      "\(listener): connection refused: \(reason)" + (unsaid == 0 ? "" : " (and \(unsaid) more before it)"))
  }
}
