import Dataplane
import Foundation

/// The table of `--show-sessions`: a row for each session as it ended or still lives.
final class SessionRows {
  private static let header = [
    "id", "protocol", "initiator", "responder", "action", "packets in", "out", "bytes in", "out", "ended by",
  ]

  private var rows: [[String]] = []

  func add(_ session: SessionSnapshot) {
    let tuple = session.tuple
    rows.append([
      session.isLearned ? "learned" : "\(session.id)", tuple.transport == .tcp ? "TCP" : "UDP",
      "\(tuple.source).\(tuple.sourcePort)", "\(tuple.destination).\(tuple.destinationPort)",
      String(session.action.protoName.dropFirst()), "\(session.inPackets)", "\(session.outPackets)",
      "\(session.inBytes)", "\(session.outBytes)", Self.ending(session),
    ])
  }

  /// All rows in columns, with a header; empty when there was no session.
  var text: String {
    guard !rows.isEmpty else { return "" }
    let all = [Self.header] + rows
    let widths = Self.header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return (5...8).contains(column) ? padding + row[column] : row[column] + padding
      }.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
    }.joined(separator: "\n")
  }

  private static func ending(_ session: SessionSnapshot) -> String {
    guard session.state == .closed else {
      return session.state == .established ? "live" : "live, \(session.state.protoName.dropFirst())"
    }
    return String(session.closeCode.protoName.dropFirst())
  }
}
