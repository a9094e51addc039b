import ArgumentParser
import ControlClient
import Dataplane
import Synchronization

/// `sluice session closed`.
struct SessionClosed: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "closed",
    abstract: "List closed sessions that nobody has acknowledged yet.",
    discussion: """
      Looks on by default: the sessions stay for whoever takes them. --drain takes them, with \
      GetClosedSessions of openoffload.v2, so that each is told to one taker only; that call has no addresses.

      Examples:
        sluice session closed
        sluice session closed --follow --json
        sluice session closed --drain --follow --json >>closed.jsonl
      """)

  @OptionGroup var client: ClientOptions

  @Flag(help: "Go on with sessions as they close, until Ctrl-C.")
  var follow = false

  @Flag(help: "Take them away: the daemon forgets them.")
  var drain = false

  func run() throws {
    let (follow, drain, json) = (follow, drain, client.json)
    try ClientCall.run(client.target) { control in
      if drain {
        try await ClosedPrinter(json: json).take(control, following: follow)
      } else if follow {
        try await Self.follow(control, SessionPrinter(json: json))
      } else {
        let printer = SessionPrinter(json: json)
        try await control.sessions(.closed, limit: nil) { try printer.print($0) }
        try printer.finish()
      }
      if follow { throw CommandFailure(status: 1, message: "the daemon ended the list: it is stopping") }
    }
  }

  /// Those that are retained, and then, of the notices from before that list was begun on, those that are
  /// new.
  private static func follow(_ control: Control, _ printer: SessionPrinter) async throws {
    let listed = Mutex<Set<Ended>>([])
    try await control.watch(
      onStart: {
        try await control.sessions(.closed, limit: nil) { sessions in
          listed.withLock { $0.formUnion(sessions.map(Ended.init)) }
          try printer.print(sessions)
        }
        try printer.finish()
      },
      { notice in
        guard notice.isClosing else { return }
        if notice.lost > 0 { standardError("sluice: \(notice.lost) events came too fast and were lost") }
        let isNew = listed.withLock { $0.remove(Ended(notice.session)) } == nil
        if isNew { try printer.print([notice.session]) }
      })
  }

  /// What tells a closed session from another one of the same id.
  private struct Ended: Hashable {
    let id: SessionID
    let start: PacketTime

    init(_ session: SessionSnapshot) { (id, start) = (session.id, session.start) }
  }
}

/// Prints closed sessions that are taken away: what `SessionResponse` has.
final class ClosedPrinter: Sendable {
  private let isJSON: Bool
  private let columns: Mutex<Columns>

  init(json: Bool) {
    isJSON = json
    let names = ["id", "packets in", "out", "bytes in", "out", "ended by", "started", "ended"]
    // Rows come one by one: these are the usual widths.
    columns = Mutex(Columns(names, rightAligned: 1..<5, widths: [8, 10, 7, 9, 9, 8, 30]))
  }

  /// Takes what there is, or, `following`, until the task is cancelled.
  func take(_ control: Control, following: Bool) async throws {
    if !isJSON { try StandardOutput.print(columns.withLock { $0.header }) }
    let lost = try await control.takeClosed(following: following) { try self.print($0) }
    if let lost, lost != "0" {
      standardError(
        "sluice: \(lost) closed sessions were lost before anybody took them: closed_retention is small")
    }
  }

  private func print(_ session: SessionAnswer) throws(CommandFailure) {
    let (start, end) = (RFC3339.text(session.start), RFC3339.text(session.end))
    guard !isJSON else {
      return try StandardOutput.print(
        """
        {"session_id":\(session.id),"in_packets":\(session.inPackets),"out_packets":\(session.outPackets),\
        "in_bytes":\(session.inBytes),"out_bytes":\(session.outBytes),"state":"\(session.state.protoName)",\
        "close_code":"\(session.closeCode.protoName)","start_time":"\(start)","end_time":"\(end)"}
        """)
    }
    let row = [
      "\(session.id)", "\(session.inPackets)", "\(session.outPackets)", "\(session.inBytes)",
      "\(session.outBytes)", SessionRows.ending(session.state, session.closeCode), start, end,
    ]
    try StandardOutput.print(columns.withLock { $0.lines([row]) }.joined())
  }
}
