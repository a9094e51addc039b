internal import Dataplane
internal import GRPCCore
internal import Gateway
internal import OPIProtos
internal import SwiftProtobuf

extension DataplaneService {
  /// Bytes of packets in one message, about.
  private static let messageSize = 256 << 10
  /// Between two looks at what has come.
  private static let rest = Duration.milliseconds(20)

  /// Packets from the time on when the caller gets the call's initial metadata.
  func capture(
    _ request: Sluice_V1_CapturePacketsRequest
  ) async throws(RPCError) -> StreamingServerResponse<Sluice_V1_CapturedPackets> {
    let running = RunningCapture(try await begin(request), of: daemon)
    return StreamingServerResponse { writer in
      try await withCallCancellation {
        var lost: UInt64 = 0
        while true {
          let packets = running.capture.take(atMost: Self.messageSize)
          guard !packets.isEmpty || running.capture.lost > lost else {
            try await Task.sleep(for: Self.rest)
            continue
          }
          lost = running.capture.lost
          try await writer.write(Sluice_V1_CapturedPackets(packets, lost: lost))
        }
      }
      return [:]
    }
  }

  private func begin(_ request: Sluice_V1_CapturePacketsRequest) async throws(RPCError) -> PacketCapture {
    do throws(PacketCapture.Refusal) {
      return try await daemon.capture(try PacketCapture.Request(request))
    } catch {
      switch error {
      case .invalid(let message): throw RPCError(code: .invalidArgument, message: message)
      case .noSuchSession(let message): throw RPCError(code: .notFound, message: message)
      case .tooMany(let message): throw RPCError(code: .resourceExhausted, message: message)
      }
    }
  }
}

/// Ends a capture with its call, also when the call ends before it was answered.
private final class RunningCapture: Sendable {
  let capture: PacketCapture
  private let daemon: Daemon

  init(_ capture: PacketCapture, of daemon: Daemon) {
    self.capture = capture
    self.daemon = daemon
  }

  deinit {
    let (capture, daemon) = (capture, daemon)
    Task { await daemon.end(capture) }
  }
}

extension PacketCapture.Request {
  fileprivate init(_ request: Sluice_V1_CapturePacketsRequest) throws(PacketCapture.Refusal) {
    self.init()
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

extension Sluice_V1_CapturedPackets {
  fileprivate init(_ packets: [PacketCapture.Packet], lost: UInt64) {
    self.init()
    self.lost = lost
    self.packets = packets.map { packet in
      .with {
        $0.timeNanoseconds = packet.time
        $0.port = packet.port
        $0.leaving = packet.isLeaving
        $0.verdict = "\(packet.verdict)"
        $0.dropReason = packet.reason?.name ?? ""
        $0.linkType = UInt32(packet.link)
        $0.originalLength = packet.originalLength
        $0.content = .init(packet.bytes)
      }
    }
  }
}
