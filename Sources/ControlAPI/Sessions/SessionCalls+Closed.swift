internal import Dataplane
internal import GRPCCore
internal import Gateway

extension SessionCalls {
  /// GetClosedSessions of `openoffload.v2`: closed sessions, oldest first, each to one caller. A record is
  /// acknowledged once the kernel has taken it for the caller; what a broken call leaves goes to the next.
  ///
  /// - Parameters:
  ///   - most: records of the call; nil for all that are retained when it begins.
  ///   - following: whether to stay and write those that close from now on, until the caller goes.
  ///   - delivery: what the caller's connection has taken of the answer.
  ///   - write: sends records; throws when the caller has gone.
  /// - Returns: the call's trailing metadata: `x-closed-lost`, records lost so far because newer ones came.
  func sendClosed(
    most: Int?, following: Bool, delivery: Delivery,
    write: @escaping @Sendable ([SessionReport]) async throws -> Void
  ) async throws -> Metadata {
    try await withCallCancellation {
      var left = most ?? (following ? Int.max : service.closedStatus.retained)
      var delivered = 0
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
        let before = delivered
        do {
          try await write(lease.records.map(report))
          delivered = await delivery.messages(upTo: before + lease.records.count)
        } catch {
          delivered = await delivery.messages(upTo: 0)
          service.settle(lease, sent: delivered - before)
          throw error
        }
        service.settle(lease, sent: delivered - before)
        // The others will never be written.
        if delivered < before + lease.records.count { break }
      }
    }
    return ["x-closed-lost": "\(service.closedStatus.lost)"]
  }

  /// Records that are written at once, and written again to another caller when this one goes meanwhile.
  private static let chunk = 256
}

/// Runs `body` in a task that is cancelled with the call; a handler's own task is not, when its caller goes.
func withCallCancellation(_ body: @escaping @Sendable () async throws -> Void) async throws {
  let task = Task(executorPreference: ControlLoop.shared, operation: body)
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
