internal import Config
internal import GRPCCore
internal import Gateway

extension SessionCalls {
  /// AddSession: keeps the requests until the client has ended the stream, then adds all of them at once.
  ///
  /// - Throws: when the metadata is not understood, the stream breaks, has too many messages or stalls:
  ///   nothing was added then.
  func add(
    _ request: StreamingServerRequest<[SessionRequestFields]>, _ context: ServerContext
  ) async throws -> AddSummary {
    let metadata = CallMetadata(request.metadata)
    let replacing = try metadata.isUpsert
    let encoding = try metadata.ipv4Encoding(default: ipv4Encoding)
    let (rules, limits) = (settings.now.rules, settings.now.limits)
    let stream = StreamWatch.Stream()
    watch.add(stream)
    // A task of its own, for the watch to cancel: this one has to tell the client.
    let work = Task(executorPreference: ControlLoop.shared) {
      defer { watch.remove(stream) }
      var collector = RequestCollector(
        rules, ipv4: encoding, limit: limits.sessionsPerStream, budget: budget)
      for try await batch in request.messages {
        for fields in batch { try collector.append(fields) }
        stream.note(collector.count)
      }
      watch.remove(stream)
      guard !Task.isCancelled, !context.cancellation.isCancelled else { throw CancellationError() }
      return await commit(collector, rules, replacing: replacing)
    }
    stream.onExpiry { work.cancel() }
    do {
      return try await withTaskCancellationHandler {
        try await work.value
      } onCancel: {
        work.cancel()
      }
    } catch is CancellationError {
      throw stream.isExpired ? stalled : Self.cancelled
    }
  }

  private func commit(
    _ collector: borrowing RequestCollector, _ rules: SessionRequestRules, replacing: Bool
  ) async -> AddSummary {
    let accepted = collector.accepted
    let refused = collector.refused
    let reply = await service.add(accepted, replacing: replacing)
    return AddSummary(
      accepted: accepted, refused: refused, outcomes: reply.outcomes, commitTime: reply.commitTime,
      isFull: reply.isFull
    ) { $0.text(rules, in: generation) }
  }

  private var stalled: RPCError {
    RPCError(
      code: .deadlineExceeded,
      message:
        "no message for \(settings.now.limits.idleSeconds) seconds in a stream that was not ended; nothing "
        + "was added"
    )
  }

  private static var cancelled: RPCError {
    RPCError(
      code: .cancelled, message: "the call was cancelled, or the server is stopping; nothing was added")
  }
}
