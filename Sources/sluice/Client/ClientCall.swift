import ControlClient
import Dispatch
import Synchronization

/// A command's conversation with the daemon: from the synchronous command line into tasks and back.
///
/// NIO and the thread pool of tasks start here, so that commands without a daemon do not pay for them.
enum ClientCall {
  /// Connects and runs `body`. Ctrl-C cancels its task; a second one ends the process at once.
  ///
  /// - Throws: `CommandFailure`: 1 when nobody answers or the daemon refuses, 130 when interrupted.
  static func run(
    _ target: Target, _ body: @escaping @Sendable (Control) async throws -> Void
  ) throws(CommandFailure) {
    try SocketProbe.check(target.socket)
    let failure = Mutex<CommandFailure?>(nil)
    let end = DispatchSemaphore(value: 0)
    let task = Task {
      do {
        try await Control.connected(to: target, body)
      } catch {
        failure.withLock { $0 = Self.failure(error) }
      }
      end.signal()
    }
    Interrupt.calls { task.cancel() }
    end.wait()
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  private static func failure(_ error: any Error) -> CommandFailure {
    switch error {
    case let failure as CommandFailure: failure
    case _ where Interrupt.wasRequested: CommandFailure(status: 130, message: "")
    case let error as ControlError: CommandFailure(status: 1, message: error.message)
    default: CommandFailure(status: 1, message: "\(error)")
    }
  }
}
