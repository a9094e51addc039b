package import Dataplane

/// What AddSession answers, before either package's messages are made of it. semantics: 2.2.5.
package struct AddSummary: Sendable {
  /// A request that was not inserted.
  package struct Failure: Sendable {
    /// The id that the client gave it; 0 when it left that to the server.
    package var id: UInt64
    package var status: AddStatus
  }

  /// Of the whole stream: the failures' own when they have one in common.
  package private(set) var status = AddStatus.accepted
  /// Bit i is set when message i of the first 64 failed (decision A8).
  package private(set) var mask: UInt64 = 0
  /// All, in the stream's order.
  package private(set) var failures: [Failure] = []
  /// Nanoseconds since the Unix epoch; nil when nothing was inserted.
  package private(set) var commitTime: UInt64?
  /// Ids for the requests that had none, in the stream's order; 0 for those that failed.
  package private(set) var assigned: [UInt64] = []
  /// What was wrong with the first failures, by their position.
  package private(set) var texts: [String] = []

  /// - Parameters:
  ///   - refused: requests that did not go to the table, by position, ascending; with `accepted` they are the
  ///     stream.
  ///   - outcomes: what became of `accepted`, by its own positions.
  ///   - commitTime: nanoseconds since the Unix epoch; nil when nothing was inserted.
  ///   - isFull: whether there was not room for all, so that none was inserted.
  ///   - text: a problem in words.
  package init(
    accepted: [SessionRequest], refused: [RefusedRequest], outcomes: [(outcome: AddOutcome, id: SessionID)],
    commitTime: UInt64?, isFull: Bool, text: (SessionRequestProblem) -> String
  ) {
    self.commitTime = commitTime
    var next = 0
    for position in 0..<(accepted.count + refused.count) {
      let index = position - next
      if next < refused.count, refused[next].position == position {
        fail(position, refused[next].id, .rejected) { text(refused[next].problem) }
        if refused[next].id == 0 { assigned.append(0) }
        next += 1
      } else {
        note(position, accepted[index], outcomes[index])
      }
    }
    // "Do not insert any" has one answer, whatever else is wrong with some (decision A9).
    if isFull { status = .tableFull }
  }

  private mutating func note(
    _ position: Int, _ request: SessionRequest, _ result: (outcome: AddOutcome, id: SessionID)
  ) {
    let status = AddStatus(result.outcome)
    if request.id == .unassigned { assigned.append(status == .accepted ? result.id.rawValue : 0) }
    guard status != .accepted else { return }
    fail(position, request.id.rawValue, status) { Self.text(result.outcome) }
  }

  private mutating func fail(_ position: Int, _ id: UInt64, _ status: AddStatus, _ text: () -> String) {
    self.status = failures.isEmpty || self.status == status ? status : .rejected
    if position < UInt64.bitWidth { mask |= 1 << UInt64(position) }
    failures.append(Failure(id: id, status: status))
    if texts.count < Self.mostTexts { texts.append("\(position): \(text())") }
  }

  private static func text(_ outcome: AddOutcome) -> String {
    switch outcome {
    case .alreadyExists: "its session_id or its tuple is that of a session that exists"
    case .tableFull: "there is not room for all sessions of the stream; none was inserted"
    case .tooManyPolicies: "too many combinations of LIFs, action, next hop and timeout are in use"
    case .unavailable: "the server is stopping"
    case .added, .replaced, .tookOver: ""
    }
  }

  /// Texts of a reply: with the ids, metadata stays below the 8 KiB that clients accept by default.
  private static let mostTexts = 16
}

/// A request that is not sent to the table.
package struct RefusedRequest: Sendable {
  /// In the stream, from 0.
  package var position: Int
  package var id: UInt64
  package var problem: SessionRequestProblem

  package init(position: Int, id: UInt64, problem: SessionRequestProblem) {
    self.position = position
    self.id = id
    self.problem = problem
  }
}
