internal import GRPCCore
internal import OPIProtos

extension Control {
  /// Hands what happens to sessions to `body`, from now on, until the task is cancelled or the daemon stops.
  ///
  /// - Parameter onStart: called once the daemon is looking on for us.
  package func watch(
    onStart: @escaping @Sendable () async throws -> Void = {},
    _ body: @escaping @Sendable (SessionNotice) throws -> Void
  ) async throws {
    try await call {
      try await dataplane.watchSessions(.init()) { response in
        // An error of the call is thrown by the messages: nothing has begun then.
        if case .success = response.accepted { try await onStart() }
        for try await event in response.messages { try body(SessionNotice(event)) }
      }
    }
  }

  /// Takes closed sessions away: each is handed to `body`, and the daemon forgets it.
  ///
  /// - Parameter following: whether to wait for more, until the task is cancelled.
  /// - Returns: how many records were lost before anybody took them, where the daemon says so.
  package func takeClosed(
    following: Bool, _ body: @escaping @Sendable (SessionAnswer) throws -> Void
  ) async throws -> String? {
    let metadata: Metadata = following ? ["x-follow": "true"] : [:]
    return try await call {
      try await laterTable.getClosedSessions(.init(), metadata: metadata) { response in
        var lost: String?
        for try await part in response.bodyParts {
          switch part {
          case .message(let message): try body(SessionAnswer(message))
          case .trailingMetadata(let trailer):
            lost = trailer[stringValues: "x-closed-lost"].first { _ in true }
          }
        }
        return lost
      }
    }
  }
}
