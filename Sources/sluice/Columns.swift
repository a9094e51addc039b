import Foundation

/// Rows of text under a header, in columns as wide as the widest cell so far.
///
/// Rows may come in parts, as of a list that is longer than memory: later parts are never narrower.
struct Columns {
  private let names: [String]
  /// Columns of numbers.
  private let rightAligned: Range<Int>
  private var widths: [Int]

  /// - Parameter widths: what columns have at least, by position; for rows that come one by one.
  init(_ names: [String], rightAligned: Range<Int>, widths: [Int] = []) {
    self.names = names
    self.rightAligned = rightAligned
    self.widths = names.indices.map { max(names[$0].count, $0 < widths.count ? widths[$0] : 0) }
  }

  /// The header, as wide as the rows so far.
  var header: String { line(names) }

  /// The rows, a line each; each has as many cells as there are names.
  mutating func lines(_ rows: [[String]]) -> [String] {
    for row in rows { widen(row) }
    return rows.map(line)
  }

  /// The header and all rows.
  mutating func table(_ rows: [[String]]) -> String {
    let lines = lines(rows)
    return ([header] + lines).joined(separator: "\n")
  }

  private mutating func widen(_ row: [String]) {
    for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.count) }
  }

  private func line(_ row: [String]) -> String {
    row.indices.map { column in
      let padding = String(repeating: " ", count: widths[column] - row[column].count)
      return rightAligned.contains(column) ? padding + row[column] : row[column] + padding
    }.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
  }
}
