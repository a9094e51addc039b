internal import GRPCCore
internal import OPIProtos
internal import SwiftProtobuf

/// Which packets to trace; empty and 0 mean all.
package struct TraceWish: Sendable {
  package var count: UInt32 = 1
  package var port = ""
  package var session: UInt64 = 0
  package var filter = ""

  package init() {}
}

/// What became of a packet. Names are those of `trace --json`: added to, never changed.
package struct TracedPacket: Encodable, Sendable {
  package struct Step: Encodable, Sendable {
    package var step: String
    package var worker: UInt32
    package var text: String
    package var details: [String: String]

    package init(step: String, worker: UInt32, text: String, details: [(name: String, value: String)]) {
      self.step = step
      self.worker = worker
      self.text = text
      self.details = Dictionary(
        details.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    }
  }

  /// Nanoseconds since the Unix epoch, UTC.
  package var timeNanoseconds: UInt64
  package var port: String
  package var length: UInt32
  /// In the manner of tcpdump.
  package var packet: String
  package var verdict: String
  /// Empty when it was not dropped.
  package var dropReason: String
  /// Empty when it did not leave.
  package var outPort: String
  package var steps: [Step]

  package init(
    timeNanoseconds: UInt64, port: String, length: UInt32, packet: String, verdict: String,
    dropReason: String, outPort: String, steps: [Step]
  ) {
    self.timeNanoseconds = timeNanoseconds
    self.port = port
    self.length = length
    self.packet = packet
    self.verdict = verdict
    self.dropReason = dropReason
    self.outPort = outPort
    self.steps = steps
  }
}

extension Control {
  /// Hands the journeys of packets to `body` as they end, until there have been as many as wished for or the
  /// task is cancelled.
  ///
  /// - Parameters:
  ///   - onStart: called once the daemon traces.
  ///   - body: is given journeys, and how many passes have been lost since the beginning.
  package func trace(
    _ wish: TraceWish, onStart: @escaping @Sendable () throws -> Void,
    _ body: @escaping @Sendable ([TracedPacket], UInt64) throws -> Void
  ) async throws {
    let request = Sluice_V1_TracePacketsRequest.with {
      $0.count = wish.count
      $0.port = wish.port
      $0.sessionID = wish.session
      $0.filter = wish.filter
    }
    try await call {
      try await dataplane.tracePackets(request) { response in
        if case .success = response.accepted { try onStart() }
        for try await message in response.messages {
          try body(message.packets.map { TracedPacket($0) }, message.lost)
        }
      }
    }
  }
}

extension TracedPacket {
  fileprivate init(_ packet: Sluice_V1_TracedPacket) {
    self.init(
      timeNanoseconds: packet.timeNanoseconds, port: packet.port, length: packet.originalLength,
      packet: packet.description_p, verdict: packet.verdict, dropReason: packet.dropReason,
      outPort: packet.outPort,
      steps: packet.steps.map { step in
        Step(
          step: step.name, worker: step.worker, text: step.text,
          details: step.details.map { (name: $0.name, value: $0.value) })
      })
  }
}
