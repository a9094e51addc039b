internal import GRPCCore
internal import OPIProtos
internal import SwiftProtobuf

/// Which packets to capture; empty and 0 mean all.
package struct CaptureWish: Sendable {
  package enum Direction: Sendable { case usual, arriving, leaving, both }

  package var port = ""
  package var session: UInt64 = 0
  package var isDroppedOnly = false
  package var reason = ""
  package var direction = Direction.usual
  package var filter = ""
  package var snapLength: UInt32 = 0

  package init() {}
}

/// A packet that the daemon saw.
package struct CapturedPacket: Sendable {
  /// Nanoseconds since the Unix epoch, UTC.
  package var time: UInt64
  package var port: String
  package var isLeaving: Bool
  package var verdict: String
  /// Empty when it was not dropped.
  package var reason: String
  /// LINKTYPE_ number.
  package var link: UInt16
  package var originalLength: UInt32
  package var bytes: [UInt8]
}

extension Control {
  /// Hands packets to `body` as the daemon sees them, from now on, until `body` says no or the task is
  /// cancelled.
  ///
  /// - Parameters:
  ///   - onStart: called once the daemon captures.
  ///   - body: is given packets, and how many have been lost since the beginning; whether to go on.
  package func capture(
    _ wish: CaptureWish, onStart: @escaping @Sendable () throws -> Void,
    _ body: @escaping @Sendable ([CapturedPacket], UInt64) throws -> Bool
  ) async throws {
    let request = Sluice_V1_CapturePacketsRequest.with {
      $0.port = wish.port
      $0.sessionID = wish.session
      $0.dropped = wish.isDroppedOnly
      $0.dropReason = wish.reason
      $0.direction =
        switch wish.direction {
        case .usual: .default
        case .arriving: .arriving
        case .leaving: .leaving
        case .both: .both
        }
      $0.filter = wish.filter
      $0.snapLength = wish.snapLength
    }
    try await call {
      try await dataplane.capturePackets(request) { response in
        if case .success = response.accepted { try onStart() }
        for try await message in response.messages {
          guard try body(message.packets.map { CapturedPacket($0) }, message.lost) else { return }
        }
      }
    }
  }
}

extension CapturedPacket {
  fileprivate init(_ packet: Sluice_V1_CapturedPacket) {
    time = packet.timeNanoseconds
    port = packet.port
    isLeaving = packet.leaving
    verdict = packet.verdict
    reason = packet.dropReason
    link = UInt16(truncatingIfNeeded: packet.linkType)
    originalLength = packet.originalLength
    bytes = Array(packet.content)
  }
}
