import ArgumentParser
import ControlClient
import Dataplane
import Foundation
import Synchronization

/// `sluice session watch`.
struct SessionWatch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Print what happens to sessions, a line an event, until Ctrl-C.",
    discussion: """
      Events are ADDED, CHANGED, DELETED and CLOSED. Watching takes nothing away: closed sessions stay for \
      whoever takes them with GetClosedSessions or DeleteSession.

      Example:
        sluice session watch --json | jq -c 'select(.event == "CLOSED") | [.session_id, .close_code]'
      """)

  @OptionGroup var client: ClientOptions

  func run() throws {
    let printer = EventPrinter(json: client.json)
    try ClientCall.run(client.target) { control in
      try await control.watch(onStart: { try printer.start() }, { try printer.print($0) })
      throw CommandFailure(status: 1, message: "the daemon ended the watch: it is stopping")
    }
  }
}

/// Prints events as they come: rows under a header, or a JSON object a line.
final class EventPrinter: Sendable {
  private let isJSON: Bool
  private let columns: Mutex<Columns>

  init(json: Bool) {
    isJSON = json
    // Rows come one by one: these are the usual widths.
    let widths = [12, 7, 4, 8, 21, 21, 7, 10, 7, 9, 9, 14]
    columns = Mutex(Columns(["time", "event"] + SessionRows.names, rightAligned: 7..<11, widths: widths))
  }

  /// - Throws: `CommandFailure` when standard output cannot be written, as below.
  func start() throws(CommandFailure) {
    if !isJSON { try StandardOutput.print(columns.withLock { $0.header }) }
  }

  func print(_ notice: SessionNotice) throws(CommandFailure) {
    if notice.lost > 0 { standardError("sluice: \(notice.lost) events came too fast and were lost") }
    let session = notice.session
    if isJSON {
      let before = "\"event\":\"\(notice.kind)\",\"lost\":\(notice.lost),"
      return try StandardOutput.print(SessionJSON.detailed(session, before: before))
    }
    let row = [Self.time, notice.kind] + SessionRows.cells(session)
    try StandardOutput.print(columns.withLock { $0.lines([row]) }.joined())
  }

  /// The time of day, UTC.
  private static var time: String {
    let now = PacketTime(nanoseconds: UInt64(max(0, Date().timeIntervalSince1970 * 1e9)))
    return String(RFC3339.text(now).dropFirst(11).prefix(12))
  }
}
