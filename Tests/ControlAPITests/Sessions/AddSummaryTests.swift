import ControlAPI
import Dataplane
import GRPCCore
import Testing

/// semantics 2.2.5 and the decisions A8 and A9: what AddSession answers.
@Suite struct AddSummaryTests {
  /// A stream, message by message.
  private enum Message {
    case done(AddOutcome)
    case refused
  }

  /// The id of message `position` is `position + 1`, or 0 where the server is to choose, which chooses from
  /// 1000 on.
  private func summary(
    _ messages: [Message], withoutID: Set<Int> = [], isFull: Bool = false
  ) -> AddSummary {
    var accepted: [SessionRequest] = []
    var refused: [RefusedRequest] = []
    var outcomes: [(outcome: AddOutcome, id: SessionID)] = []
    for (position, message) in messages.enumerated() {
      let id = withoutID.contains(position) ? 0 : UInt64(position + 1)
      switch message {
      case .refused:
        let problem = SessionRequestProblem(.sourcePort, .portTooLarge, 70_000)
        refused.append(RefusedRequest(position: position, id: id, problem: problem))
      case .done(let outcome):
        let address = IPAddress(ipv4: UInt32(position))
        let tuple = FiveTuple(
          source: address, sourcePort: 1, destination: address, destinationPort: 2, transport: .tcp)
        accepted.append(SessionRequest(id: SessionID(id), tuple: tuple, action: .drop))
        outcomes.append((outcome, SessionID(id == 0 ? UInt64(1000 + position) : id)))
      }
    }
    return AddSummary(
      accepted: accepted, refused: refused, outcomes: outcomes, commitTime: 7,
      isFull: isFull
    ) { "\($0.field) \($0.value)" }
  }

  @Test func `an empty stream is accepted`() {
    let summary = summary([])
    #expect(summary.status == .accepted)
    #expect(summary.mask == 0)
    #expect(summary.failures.isEmpty)
    #expect(summary.trailingMetadata.isEmpty)
  }

  @Test func `what was added, changed or taken over is accepted`() {
    let summary = summary([.done(.added), .done(.replaced), .done(.tookOver)])
    #expect(summary.status == .accepted)
    #expect(summary.mask == 0)
    #expect(summary.failures.isEmpty)
    #expect(summary.commitTime == 7)
  }

  @Test func `failures with one cause have that cause, others are rejected`() {
    let exists = summary([.done(.added), .done(.alreadyExists), .done(.alreadyExists)])
    #expect(exists.status == .alreadyExists)
    #expect(exists.mask == 0b110)
    #expect(exists.failures.map(\.id) == [2, 3])
    #expect(exists.failures.map(\.status) == [.alreadyExists, .alreadyExists])
    #expect(summary([.refused, .done(.added), .refused]).status == .rejected)
    #expect(summary([.done(.tooManyPolicies), .done(.added)]).status == .tableUnavailable)
    let mixed = summary([.done(.alreadyExists), .refused, .done(.added), .done(.alreadyExists)])
    #expect(mixed.status == .rejected)
    #expect(mixed.mask == 0b1011)
    #expect(mixed.failures.map(\.status) == [.alreadyExists, .rejected, .alreadyExists])
    #expect(
      summary([.done(.alreadyExists), .done(.tooManyPolicies), .done(.tooManyPolicies)]).status == .rejected)
  }

  @Test func `A9: when there is not room for all the answer is TABLE_FULL, whatever else is wrong`() {
    let full = summary([.done(.tableFull), .refused, .done(.alreadyExists), .done(.tableFull)], isFull: true)
    #expect(full.status == .tableFull)
    #expect(full.mask == 0b1111)
    #expect(full.failures.map(\.status) == [.tableFull, .rejected, .alreadyExists, .tableFull])
  }

  @Test func `A8: the mask is of the first 64 messages, the list of all`() {
    let messages = (0..<130).map { $0 % 2 == 1 || $0 >= 100 ? Message.refused : .done(.added) }
    let summary = summary(messages)
    #expect(summary.mask == 0xAAAA_AAAA_AAAA_AAAA)
    let failed: [UInt64] = (0..<130).filter { $0 % 2 == 1 || $0 >= 100 }.map { $0 + 1 }
    #expect(summary.failures.map(\.id) == failed)
    let last = Array(repeating: Message.done(.added), count: 63) + [.refused]
    #expect(self.summary(last).mask == 1 << 63)
    #expect(self.summary([.done(.added)] + last).mask == 0)
  }

  @Test func `assigned ids are told in the stream's order, 0 for what failed`() {
    let summary = summary(
      [.done(.added), .done(.added), .refused, .done(.alreadyExists), .done(.added), .done(.tookOver)],
      withoutID: [1, 2, 3, 5])
    #expect(summary.assigned == [1001, 0, 0, 1005])
    #expect(Array(summary.trailingMetadata[stringValues: "x-assigned-session-ids"]) == ["1001,0,0,1005"])
    #expect(summary.failures.map(\.id) == [0, 0])
  }

  @Test func `at most 256 assigned ids are told, and how many are not`() {
    let messages = Array(repeating: Message.done(.added), count: 300)
    let metadata = summary(messages, withoutID: Set(0..<300)).trailingMetadata
    let ids = metadata[stringValues: "x-assigned-session-ids"].joined().split(separator: ",")
    #expect(ids.compactMap { Int($0) } == Array(1000..<1256))
    #expect(Array(metadata[stringValues: "x-assigned-session-ids-omitted"]) == ["44"])
  }

  @Test func `the first sixteen failures are told in words, by position`() {
    let messages = (0..<40).map {
      $0 < 10 ? Message.done(.added) : $0 == 10 ? .done(.alreadyExists) : .refused
    }
    let texts = Array(summary(messages).trailingMetadata[stringValues: "x-session-error"])
    #expect(texts.count == 16)
    #expect(texts[0] == "10: its session_id or its tuple is that of a session that exists")
    #expect(texts[1] == "11: sourcePort 70000")
    #expect(texts[15] == "25: sourcePort 70000")
  }

  @Test func `metadata stays below what clients accept`() {
    let messages = (0..<600).map { $0 < 300 ? Message.done(.added) : .refused }
    let metadata = summary(messages, withoutID: Set(0..<300)).trailingMetadata
    // RFC 9113 section 6.5.2: 32 bytes for each field beside name and value.
    let size = metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.encoded().utf8.count + 32 }
    // Server ids have 19 digits, these have 4; texts of the rules are at most 130 bytes.
    #expect(size + 256 * 15 + 16 * 110 < 8192, "\(size)")
  }

  @Test func `requests that the table did not answer are unavailable`() {
    let summary = summary([.done(.unavailable), .done(.unavailable), .refused], withoutID: [1])
    #expect(summary.failures.map(\.status) == [.tableUnavailable, .tableUnavailable, .rejected])
    #expect(summary.assigned == [0])
  }
}
