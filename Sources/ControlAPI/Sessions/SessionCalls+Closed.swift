internal import Dataplane
internal import GRPCCore
internal import Gateway

extension SessionCalls {
  /// GetClosedSessions of `openoffload.v2`: closed sessions, oldest first, each to one caller. Those written
  /// are acknowledged; a call that breaks leaves the others to the next.
  ///
  /// - Parameters:
  ///   - most: records of the call; nil for all that are retained when it begins.
  ///   - following: whether to stay and write those that close from now on, until the caller goes.
  ///   - write: sends records; throws when the caller has gone.
  /// - Returns: the call's trailing metadata: `x-closed-lost`, records lost so far because newer ones came.
  func sendClosed(
    most: Int?, following: Bool, context: ServerContext,
    write: @escaping @Sendable ([SessionReport]) async throws -> Void
  ) async throws -> Metadata {
    try await withCallCancellation {
      var left = most ?? (following ? Int.max : service.closedStatus.retained)
      while left > 0, !Task.isCancelled {
        let lease = service.leaseClosed(limit: min(left, Self.chunk))
        if lease.records.isEmpty {
          guard following else { break }
          await service.waitForClosed()
          // Somebody else may have them, or the service has stopped: not at once again.
          try? await Task.sleep(for: .milliseconds(1))
          continue
        }
        left -= lease.records.count
        do {
          try await write(lease.records.map(report))
        } catch {
          service.settle(lease, sent: 0)
          throw error
        }
        service.settle(lease, sent: context.cancellation.isCancelled ? 0 : lease.records.count)
      }
    }
    return ["x-closed-lost": "\(service.closedStatus.lost)"]
  }

  /// Records that are written at once, and written again to another caller when this one goes meanwhile.
  private static let chunk = 64
}

/// Runs `body` in a task that is cancelled with the call; a handler's own task is not, when its caller goes.
func withCallCancellation(_ body: @escaping @Sendable () async throws -> Void) async throws {
  let task = Task(operation: body)
  try await withTaskCancellationHandler {
    try await withRPCCancellationHandler {
      try await task.value
    } onCancelRPC: {
      task.cancel()
    }
  } onCancel: {
    task.cancel()
  }
}
