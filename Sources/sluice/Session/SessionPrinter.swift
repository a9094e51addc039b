import ControlClient
import Dataplane
import Synchronization

/// Prints sessions as they come: rows under a header, or a JSON object a line.
final class SessionPrinter: Sendable {
  private struct Table {
    var columns: Columns
    var hasHeader = false
  }

  private let isJSON: Bool
  private let table: Mutex<Table>

  init(json: Bool) {
    isJSON = json
    table = Mutex(Table(columns: SessionRows.columns))
  }

  /// - Throws: `CommandFailure` when standard output cannot be written.
  func print(_ sessions: some Collection<SessionSnapshot>) throws(CommandFailure) {
    if isJSON {
      guard !sessions.isEmpty else { return }
      try StandardOutput.print(sessions.map { SessionJSON.detailed($0) }.joined(separator: "\n"))
    } else {
      try print(rows: sessions.map(SessionRows.cells))
    }
  }

  /// Prints the header, if nothing has been printed.
  func finish() throws(CommandFailure) {
    if !isJSON, !table.withLock({ $0.hasHeader }) { try print(rows: []) }
  }

  private func print(rows: [[String]]) throws(CommandFailure) {
    let lines = table.withLock { table in
      let lines = table.columns.lines(rows)
      defer { table.hasHeader = true }
      return table.hasHeader ? lines : [table.columns.header] + lines
    }
    guard !lines.isEmpty else { return }
    try StandardOutput.print(lines.joined(separator: "\n"))
  }
}
