internal import GRPCCore
internal import Synchronization

/// How much of a call's answer its connection has taken, in messages. That gRPC took a message says little:
/// it may wait for a client that reads nothing, and be lost with the connection.
package final class Delivery: Sendable {
  private struct State {
    var written = 0
    var hasEnded = false
    var waiter: (count: Int, continuation: CheckedContinuation<Void, Never>)?

    /// The task that waits, if there is no more to wait for.
    mutating func takeWaiter(isCancelled: Bool = false) -> CheckedContinuation<Void, Never>? {
      guard let waiter, isCancelled || hasEnded || written >= waiter.count else { return nil }
      self.waiter = nil
      return waiter.continuation
    }
  }

  private let state = Mutex(State())

  package init() {}

  /// `count` more messages are in the hands of the kernel.
  package func wrote(_ count: Int) {
    let waiter = state.withLock { state in
      state.written += count
      return state.takeWaiter()
    }
    waiter?.resume()
  }

  /// Nothing more will be written.
  package func end() {
    let waiter = state.withLock { state in
      state.hasEnded = true
      return state.takeWaiter()
    }
    waiter?.resume()
  }

  /// Returns once `count` messages of the call are written, or nothing more will be, or the task is
  /// cancelled; one task at a time.
  ///
  /// - Returns: messages written by then.
  package func messages(upTo count: Int) async -> Int {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          state.waiter = (count, continuation)
          // A task that was cancelled before this has had its handler called in vain.
          return state.takeWaiter(isCancelled: Task.isCancelled)
        }
        isOver?.resume()
      }
    } onCancel: {
      let waiter = state.withLock { $0.takeWaiter(isCancelled: true) }
      waiter?.resume()
    }
    return state.withLock { $0.written }
  }
}

/// The calls whose answers are counted. A call finds its own by its metadata.
package final class Deliveries: Sendable {
  /// Of the process.
  package static let shared = Deliveries()

  /// The metadata that names a call; never a client's own.
  static let key = "x-sluice-delivery"

  private let state = Mutex((calls: [UInt64: Delivery](), last: UInt64(0)))

  func begin() -> (number: UInt64, delivery: Delivery) {
    state.withLock { state in
      state.last += 1
      let delivery = Delivery()
      state.calls[state.last] = delivery
      return (state.last, delivery)
    }
  }

  func end(_ number: UInt64) {
    let delivery = state.withLock { $0.calls.removeValue(forKey: number) }
    delivery?.end()
  }

  /// The call's; one that has ended when its connection is gone already.
  func find(_ metadata: Metadata) -> Delivery {
    let numbers = metadata[stringValues: Self.key]
    if let number = numbers.first(where: { _ in true }).flatMap({ UInt64($0) }),
      let delivery = state.withLock({ $0.calls[number] })
    {
      return delivery
    }
    let ended = Delivery()
    ended.end()
    return ended
  }
}
