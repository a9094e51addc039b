internal import Dataplane
internal import GRPCCore
internal import Gateway
internal import OPIProtos
internal import SwiftProtobuf

extension DataplaneService {
  /// Passes of each worker in one message, about: a millisecond's work of the thread that serves everybody.
  private static let messageSize = 32
  /// Between two messages, so that others have their turn.
  private static let pause = Duration.milliseconds(2)
  /// Between two looks where nothing has come.
  private static let rest = Duration.milliseconds(20)

  /// The journeys of the next packets from the time on when the caller gets the call's initial metadata.
  func trace(
    _ request: Sluice_V1_TracePacketsRequest
  ) async throws(RPCError) -> StreamingServerResponse<Sluice_V1_TracedPackets> {
    let wish: JourneyTrace.Request
    let trace: JourneyTrace
    do throws(PacketCapture.Refusal) {
      wish = try JourneyTrace.Request(request)
      trace = try await daemon.trace(wish)
    } catch {
      throw RPCError(error)
    }
    let daemon = daemon
    let lifetime = CallLifetime { await daemon.end(trace) }
    return StreamingServerResponse { writer in
      do {
        try await withCallCancellation { try await Self.send(trace, wish.count, of: daemon, to: writer) }
        withExtendedLifetime(lifetime) {}
      } catch is CancellationError {
        throw RPCError(code: .unavailable, message: "the daemon is stopping")
      }
      return [:]
    }
  }

  /// Hands journeys over until there have been `count`, or the task is cancelled.
  private static func send(
    _ trace: JourneyTrace, _ count: Int, of daemon: Daemon, to writer: RPCWriter<Sluice_V1_TracedPackets>
  ) async throws {
    var lost: UInt64 = 0
    var left = count
    while left > 0 {
      let journeys = trace.take(atMost: messageSize, now: daemon.sessions.now)
      guard !journeys.isEmpty || trace.lost > lost else {
        try await Task.sleep(for: rest)
        continue
      }
      lost = trace.lost
      left -= journeys.count
      try await writer.write(
        .with {
          $0.lost = lost
          $0.packets = journeys.map { Sluice_V1_TracedPacket($0) }
        })
      try await Task.sleep(for: pause)
    }
  }
}

extension JourneyTrace.Request {
  fileprivate init(_ request: Sluice_V1_TracePacketsRequest) throws(PacketCapture.Refusal) {
    self.init()
    try PacketCapture.Request.check([("port", request.port), ("filter", request.filter)])
    if request.count > 0 { count = Int(request.count) }
    if !request.port.isEmpty { port = request.port }
    if request.sessionID != 0 { session = SessionID(request.sessionID) }
    if !request.filter.isEmpty { filter = request.filter }
  }
}

extension Sluice_V1_TracedPacket {
  fileprivate init(_ journey: Journey) {
    self.init()
    timeNanoseconds = journey.time
    port = journey.port
    originalLength = journey.originalLength
    description_p = journey.description
    verdict = "\(journey.verdict)"
    dropReason = journey.reason?.name ?? ""
    outPort = journey.outPort ?? ""
    steps = journey.steps.map { step in
      .with {
        $0.name = step.name
        $0.worker = UInt32(clamping: step.worker)
        $0.text = step.text
        $0.details = step.details.map { detail in
          .with {
            $0.name = detail.name
            $0.value = detail.value
          }
        }
      }
    }
  }
}
