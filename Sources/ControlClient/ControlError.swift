internal import GRPCCore

/// Why a call failed; the message says what to change.
package struct ControlError: Error, Hashable, Sendable {
  package let message: String

  package init(message: String) { self.message = message }
}

extension ControlError {
  /// What a failed call means to whoever asked.
  init(_ error: RPCError, _ target: Target) {
    switch error.code {
    case .unavailable:
      message =
        "\(target.socket): the connection was lost: did `sluice run` stop, or refuse it (too many "
        + "connections, or not your socket: it says so on its standard error)? (\(error.message))"
    case .deadlineExceeded:
      message = "\(target.socket): no answer in time: is that process a `sluice run` that can go on?"
    case .unimplemented:
      message = "\(target.socket): the server does not know this call: is it a `sluice run` of this version?"
    case .resourceExhausted:
      message = "refused: \(error.message)"
    default:
      message = "\(error.message) (\(error.code))"
    }
  }
}
