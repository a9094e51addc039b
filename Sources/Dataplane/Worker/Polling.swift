/// What a worker does whose queue has a clock and nothing to receive.
public enum Polling: Equatable, Sendable {
  /// It looks again at once, without end: no packet ever waits for a thread to wake up.
  case busy
  /// It looks again for so many nanoseconds, then sleeps until something comes.
  case adaptive(idleNanoseconds: UInt64)

  /// Nanoseconds without packets after which it sleeps.
  var patience: UInt64 {
    switch self {
    case .busy: .max
    case .adaptive(let nanoseconds): nanoseconds
    }
  }
}
