import ArgumentParser
import ControlClient
import Dataplane

/// `sluice session delete`.
struct SessionDelete: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "End sessions, or acknowledge closed ones, and print their last counters.",
    discussion: """
      The next packet of a deleted session finds none. With --closed no live session is ended: closed \
      ones that are retained are acknowledged, those of the ids, or all. Exit status 1 when there is none of \
      an id.

      Examples:
        sluice session delete 7 8
        sluice session delete --closed
      """)

  @OptionGroup var client: ClientOptions

  @Flag(help: "Only closed sessions; without ids all of them.")
  var closed = false

  @Argument(help: ArgumentHelp("Session ids.", valueName: "id"))
  var ids: [SessionID] = []

  func validate() throws {
    if ids.isEmpty, !closed {
      throw ValidationError("which? name session ids, or --closed for all closed ones")
    }
  }

  func run() throws {
    let (ids, closed, json) = (ids, closed, client.json)
    try ClientCall.run(client.target) { control in
      guard !ids.isEmpty else { return try await ClosedPrinter(json: json).take(control, following: false) }
      try await Self.delete(ids, onlyClosed: closed, SessionPrinter(json: json), control)
    }
  }

  private static func delete(
    _ ids: [SessionID], onlyClosed: Bool, _ printer: SessionPrinter, _ control: Control
  ) async throws {
    var missing: [SessionID] = []
    var live: [SessionID] = []
    for id in ids {
      // First its addresses, which the answer to a deletion does not have.
      guard var session = try await control.session(id) else {
        missing.append(id)
        continue
      }
      if onlyClosed, session.state != .closed {
        live.append(id)
      } else if let answer = try await control.delete(id) {
        session.take(answer)
        try printer.print([session])
      } else {
        missing.append(id)
      }
    }
    if !live.isEmpty {
      let names = live.map { "\($0)" }.joined(separator: ", ")
      throw CommandFailure(status: 1, message: "still live and left alone, because of --closed: \(names)")
    }
    try MissingSessions.fail(missing)
  }
}

extension SessionSnapshot {
  /// Takes over what an answer has: it is later.
  fileprivate mutating func take(_ answer: SessionAnswer) {
    (inPackets, outPackets) = (answer.inPackets, answer.outPackets)
    (inBytes, outBytes) = (answer.inBytes, answer.outBytes)
    (state, closeCode, start, end) = (answer.state, answer.closeCode, answer.start, answer.end)
  }
}
