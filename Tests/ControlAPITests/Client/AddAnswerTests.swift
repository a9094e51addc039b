import ControlClient
import Dataplane
import OPIProtos
import SwiftProtobuf
import Testing

/// What the command line makes of the answer to AddSession.
@Suite struct AddAnswerTests {
  private static func request(_ id: UInt64) -> SessionRequest {
    SessionRequest(
      id: SessionID(id),
      tuple: FiveTuple(
        source: IPAddress(ipv4: 1), sourcePort: 1, destination: IPAddress(ipv4: 2), destinationPort: 2,
        transport: .tcp), action: .drop)
  }

  private static func answer(
    _ message: Opi_Security_Firewall_V1_AddSessionResponse, count: UInt64 = 64, texts: [String] = [],
    assigned: [String] = []
  ) -> AddAnswer {
    AddAnswer(message, to: (0..<count).map { request($0) }, texts: texts, assigned: assigned)
  }

  @Test func `an answer without errors refuses none`() {
    let answer = Self.answer(
      .with {
        $0.starttime = .with {
          $0.seconds = 1_700_000_000; $0.nanos = 5
        }
      }, assigned: ["7,8", "9"])
    #expect(answer.refusals.isEmpty)
    #expect(answer.startNanoseconds == 1_700_000_000_000_000_005)
    #expect(answer.assigned.map(\.rawValue) == [7, 8, 9])
  }

  @Test func `the mask says which, the list why, the metadata in words`() {
    let answer = Self.answer(
      .with {
        $0.requeststatus = .sessionRejected
        $0.errorstatus = 1 << 63 | 1 << 2 | 1
        $0.responseerror = [4, 1, 2].map { status in .with { $0.errorstatus = status } }
      }, texts: ["0: exists", "2: sourceport 70000 is above 65535"])
    #expect(answer.refusals.map(\.position) == [0, 2, 63])
    #expect(
      answer.refusals.map(\.protoName) == [
        "_SESSION_ALREADY_EXISTS", "_SESSION_REJECTED", "_SESSION_TABLE_FULL",
      ])
    #expect(answer.refusals.map(\.text) == ["exists", "sourceport 70000 is above 65535", nil])
    #expect(answer.startNanoseconds == nil)
  }

  @Test func `bits of sessions that were not sent, and errors that are missing, do no harm`() {
    let answer = Self.answer(
      .with {
        $0.requeststatus = .sessionTableFull
        $0.errorstatus = .max
      }, count: 2, assigned: ["", "x,,1"])
    #expect(answer.refusals.map(\.protoName) == ["_SESSION_TABLE_FULL", "_SESSION_TABLE_FULL"])
    #expect(answer.assigned.map(\.rawValue) == [1])
  }
}
