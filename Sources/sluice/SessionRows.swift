import Dataplane

/// The table of `--show-sessions`: a row for each session as it ended or still lives.
final class SessionRows {
  private var rows: [[String]] = []

  func add(_ session: SessionSnapshot) {
    var cells = Self.cells(session)
    if session.isLearned { cells[0] = "learned" }
    rows.append(cells)
  }

  /// All rows in columns, with a header; empty when there was no session.
  var text: String {
    guard !rows.isEmpty else { return "" }
    var columns = Self.columns
    return columns.table(rows)
  }

  /// What every table of sessions has.
  static var columns: Columns { Columns(names, rightAligned: 5..<9) }

  static let names = [
    "id", "protocol", "initiator", "responder", "action", "packets in", "out", "bytes in", "out", "ended by",
  ]

  /// The row of a session.
  static func cells(_ session: SessionSnapshot) -> [String] {
    let tuple = session.tuple
    return [
      "\(session.id)", tuple.transport == .tcp ? "TCP" : "UDP", "\(tuple.source).\(tuple.sourcePort)",
      "\(tuple.destination).\(tuple.destinationPort)", String(session.action.protoName.dropFirst()),
      "\(session.inPackets)", "\(session.outPackets)", "\(session.inBytes)", "\(session.outBytes)",
      ending(session.state, session.closeCode),
    ]
  }

  /// How a session ended, or that it has not.
  static func ending(_ state: SessionState, _ code: CloseCode) -> String {
    switch (state, code) {
    case (.established, _): "live"
    case (.closed, .notClosed): "deleted"
    case (.closed, _): String(code.protoName.dropFirst())
    default: "live, \(state.protoName.dropFirst())"
    }
  }
}
