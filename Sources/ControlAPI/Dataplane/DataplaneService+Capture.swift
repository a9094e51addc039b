internal import Dataplane
internal import GRPCCore
internal import Gateway
internal import OPIProtos
internal import SwiftProtobuf

extension DataplaneService {
  /// Bytes of packets in one message, about: a millisecond's work or two of the thread that serves everybody.
  private static let messageSize = 32 << 10
  /// Between two messages, so that others have their turn.
  private static let pause = Duration.milliseconds(2)
  /// Between two looks where nothing has come.
  private static let rest = Duration.milliseconds(20)

  /// Packets from the time on when the caller gets the call's initial metadata.
  func capture(
    _ request: Sluice_V1_CapturePacketsRequest
  ) async throws(RPCError) -> StreamingServerResponse<Sluice_V1_CapturedPackets> {
    let capture: PacketCapture
    do throws(PacketCapture.Refusal) {
      capture = try await daemon.capture(try PacketCapture.Request(request))
    } catch {
      throw RPCError(error)
    }
    let daemon = daemon
    let lifetime = CallLifetime { await daemon.end(capture) }
    return StreamingServerResponse { writer in
      do {
        try await withCallCancellation { try await Self.send(capture, to: writer) }
        withExtendedLifetime(lifetime) {}
      } catch is CancellationError {
        throw RPCError(code: .unavailable, message: "the daemon is stopping")
      }
      return [:]
    }
  }

  /// Hands packets over until the task is cancelled.
  private static func send(
    _ capture: PacketCapture, to writer: RPCWriter<Sluice_V1_CapturedPackets>
  ) async throws {
    var lost: UInt64 = 0
    while true {
      let packets = capture.take(atMost: messageSize)
      guard !packets.isEmpty || capture.lost > lost else {
        try await Task.sleep(for: rest)
        continue
      }
      lost = capture.lost
      try await writer.write(Sluice_V1_CapturedPackets(packets, lost: lost))
      try await Task.sleep(for: pause)
    }
  }
}

/// Ends what a call has begun with the call, also when that ends before it was answered.
final class CallLifetime: Sendable {
  private let end: @Sendable () async -> Void

  init(_ end: @escaping @Sendable () async -> Void) { self.end = end }

  deinit {
    let end = end
    Task(executorPreference: ControlLoop.shared) { await end() }
  }
}

extension RPCError {
  init(_ refusal: PacketCapture.Refusal) {
    switch refusal {
    case .invalid(let message): self.init(code: .invalidArgument, message: message)
    case .noSuchSession(let message): self.init(code: .notFound, message: message)
    case .tooMany(let message): self.init(code: .resourceExhausted, message: message)
    }
  }
}

extension PacketCapture.Request {
  /// Bytes. To compile a filter takes the longer the square of its length.
  private static let longestText = 512

  /// Checks what a client has sent as names and filters.
  static func check(_ texts: [(name: String, text: String)]) throws(PacketCapture.Refusal) {
    for (name, text) in texts where text.utf8.count > longestText || text.utf8.contains(0) {
      throw .invalid("\(name): accepted: \(longestText) bytes at most, none of them 0")
    }
  }

  fileprivate init(_ request: Sluice_V1_CapturePacketsRequest) throws(PacketCapture.Refusal) {
    self.init()
    try Self.check([
      ("port", request.port), ("drop_reason", request.dropReason), ("filter", request.filter),
    ])
    if !request.port.isEmpty { port = request.port }
    if request.sessionID != 0 { session = SessionID(request.sessionID) }
    isDroppedOnly = request.dropped
    if !request.dropReason.isEmpty { reason = request.dropReason }
    switch request.direction {
    case .default: direction = nil
    case .arriving: direction = .arriving
    case .leaving: direction = .leaving
    case .both: direction = .both
    case .UNRECOGNIZED(let number):
      throw .invalid("direction \(number) is not known; accepted: 0 (DEFAULT) to 3 (BOTH)")
    }
    if (isDroppedOnly || reason != nil) && direction == .leaving {
      throw .invalid("direction LEAVING: dropped packets do not leave")
    }
    if !request.filter.isEmpty { filter = request.filter }
    guard request.snapLength <= 65_535 else {
      throw .invalid("snap_length \(request.snapLength): accepted: 0 (all) to 65535")
    }
    if request.snapLength > 0 { snapLength = request.snapLength }
  }
}

extension Verdict.Kind {
  /// As the proto file spells it.
  fileprivate var name: String {
    switch self {
    case .forward: "forward"
    case .drop: "drop"
    case .mirror: "mirror"
    case .snoop: "snoop"
    case .punt: "punt"
    case .consume: "consume"
    case .handOff: "handOff"
    case .hold: "hold"
    }
  }
}

extension Sluice_V1_CapturedPackets {
  fileprivate init(_ packets: [PacketCapture.Packet], lost: UInt64) {
    self.init()
    self.lost = lost
    self.packets = packets.map { packet in
      .with {
        $0.timeNanoseconds = packet.time
        $0.port = packet.port
        $0.leaving = packet.isLeaving
        $0.verdict = packet.verdict.name
        $0.dropReason = packet.reason?.name ?? ""
        $0.linkType = UInt32(packet.link)
        $0.originalLength = packet.originalLength
        $0.content = .init(packet.bytes)
      }
    }
  }
}
