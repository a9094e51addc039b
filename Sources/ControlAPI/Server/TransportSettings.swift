internal import Config
internal import GRPCNIOTransportHTTP2Posix
internal import NIOCore

/// What every listener's transport is set to: the limits of the configuration, and ours on patience.
struct TransportSettings: Sendable {
  let limits: APILimits
  let patience: PatienceLimits
  /// Paths of the calls whose messages come as ``MessageBatch``.
  let batched: Set<String>
  /// Paths of the calls that look at their ``Delivery``.
  let counted: Set<String>

  /// - Parameter admission: makes the handler that decides about connections.
  func configuration(
    _ admission: @escaping @Sendable () -> Admission
  ) -> HTTP2ServerTransport.Posix.Config {
    let (patience, messageBytes, batched, counted) = (patience, limits.messageBytes, batched, counted)
    return .defaults { config in
      config.rpc.maxRequestPayloadSize = limits.messageBytes + MessageBatches.enough + MessageBatch.prefix
      config.http2.maxConcurrentStreams = limits.callsPerConnection
      // Its timer may start again after a connection has broken, and keeps it until it fires.
      config.connection.maxIdleTime = nil
      config.connection.keepalive = .init(
        time: .nanoseconds(patience.ping.nanoseconds),
        timeout: .nanoseconds((patience.silence - patience.ping).nanoseconds),
        // Clients may look whether we are alive; gRPC's own rule (every five minutes) would close on them.
        clientBehavior: .init(minPingIntervalWithoutCalls: .seconds(5), allowWithoutCalls: true))
      config.channelDebuggingCallbacks.onBindTCPListener = { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(admission(), position: .first)
        }
      }
      config.channelDebuggingCallbacks.onAcceptTCPConnection = { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(SilenceLimit(patience.silence), position: .first)
          try channel.pipeline.syncOperations.addHandler(PrefaceDeadline(patience.preface), position: .last)
        }
      }
      config.channelDebuggingCallbacks.onAcceptHTTP2Stream = { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(MessageBatches(batched), position: .first)
          try channel.pipeline.syncOperations.addHandler(MessageLimit(messageBytes), position: .first)
          try channel.pipeline.syncOperations.addHandler(
            StalledCallLimit(idle: patience.idle, stall: patience.stall), position: .first)
          try channel.pipeline.syncOperations.addHandler(DeliveryCounter(counted), position: .first)
          try channel.pipeline.syncOperations.addHandler(UnreadBytes(), position: .first)
          try channel.pipeline.syncOperations.addHandler(AnsweredClose(), position: .first)
        }
      }
    }
  }
}
