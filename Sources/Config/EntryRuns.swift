/// Cuts a block list of sessions into runs of entries, each of which is a YAML list by itself.
///
/// A line that starts with the list's indentation and `- ` starts an entry: in YAML everything inside
/// an entry is indented further (YAML 1.2 §8.2.1), so no quoted text or nested list can look like one.
/// Where a file breaks that rule, the run it is in is not valid YAML and is reported.
struct EntryRuns {
  /// Lines of whole entries.
  struct Run {
    let range: Range<Int>
    /// Lines of the file above the run.
    let linesBefore: Int
    let entryCount: Int
  }

  private let bytes: [UInt8]
  private let indentation: Int
  private var position: Int
  private var line: Int

  /// Nil unless the first line that is not empty, a comment, `---` or `sessions:` starts an entry.
  init?(in bytes: [UInt8]) {
    self.bytes = bytes
    position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0  // UTF-8 byte order mark
    line = 0
    var mayStart = true
    var mayHaveKey = true
    while position < bytes.count {
      let end = Self.endOfLine(from: position, in: bytes)
      let content = Self.withoutComment(bytes[position..<end])
      if let indentation = Self.entryIndentation(content) {
        self.indentation = indentation
        return
      }
      if content.elementsEqual("---".utf8), mayStart {
        mayStart = false
      } else if content.elementsEqual("sessions:".utf8), mayHaveKey {
        mayStart = false
        mayHaveKey = false
      } else if !content.isEmpty {
        return nil
      }
      position = end
      line += 1
    }
    return nil
  }

  /// The next run; nil after the last entry.
  mutating func next() -> Run? {
    guard position < bytes.count else { return nil }
    let start = position
    let linesBefore = line
    var entryCount = 0
    while position < bytes.count {
      if startsEntry(at: position) {
        if entryCount > 0, position - start >= Self.runLength { break }
        entryCount += 1
      }
      position = Self.endOfLine(from: position, in: bytes)
      line += 1
    }
    return Run(range: start..<position, linesBefore: linesBefore, entryCount: entryCount)
  }

  private func startsEntry(at start: Int) -> Bool {
    let dash = start + indentation
    guard dash < bytes.count, bytes[dash] == UInt8(ascii: "-") else { return false }
    guard bytes[start..<dash].allSatisfy({ $0 == UInt8(ascii: " ") }) else { return false }
    return dash + 1 == bytes.count || Self.isBlank(bytes[dash + 1])
  }

  /// The spaces before a dash that starts an entry.
  private static func entryIndentation(_ content: ArraySlice<UInt8>) -> Int? {
    guard let dash = content.firstIndex(where: { $0 != UInt8(ascii: " ") }),
      content[dash] == UInt8(ascii: "-")
    else { return nil }
    guard dash + 1 == content.endIndex || isBlank(content[dash + 1]) else { return nil }
    return dash - content.startIndex
  }

  /// The line up to its comment, if it has one, without the blanks at its end.
  private static func withoutComment(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let comment = line.indices.first { index in
      line[index] == UInt8(ascii: "#") && (index == line.startIndex || isBlank(line[index - 1]))
    }
    var content = line[..<(comment ?? line.endIndex)]
    while let last = content.last, isBlank(last) { content.removeLast() }
    return content
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n")
      || byte == UInt8(ascii: "\r")
  }

  /// The index after the line's newline.
  private static func endOfLine(from start: Int, in bytes: [UInt8]) -> Int {
    var index = start
    while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
    return min(index + 1, bytes.count)
  }

  /// Bytes after which a run ends at the next entry: Yams then holds some 2 MB of nodes at a time.
  private static let runLength = 16 << 10
}
