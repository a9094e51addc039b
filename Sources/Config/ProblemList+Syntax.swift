internal import Yams

extension ProblemList {
  /// Adds what Yams refused: where, and in libyaml's words why.
  mutating func add(_ error: YamlError, in text: String) {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
      let during = context.map { " " + $0.text } ?? ""
      add("not valid YAML\(during): \(problem)", at: mark)
    case .composer(_, let problem, let mark, _):
      addComposition(problem, at: mark)
    case .reader(let problem, let offset, _, _):
      let place = offset.map { Self.position(of: $0, in: text) }
      add("not valid YAML: \(problem)", line: place?.line, column: place?.column)
    case .duplicatedKeysInMapping(let keys, let context):
      addDuplicate(keys.first ?? "", first: context.mark, in: text)
    default:
      add("not readable as YAML: \(error)", at: nil)
    }
  }

  private mutating func addComposition(_ problem: String, at mark: Mark) {
    if problem.contains("alias") {
      add(YAMLDocument.refusal, at: mark)
    } else if problem.contains("another document") {
      add("a second document (---) starts here; one file holds one document", at: mark)
    } else {
      add("not valid YAML: \(problem)", at: mark)
    }
  }

  /// Yams tells where a key of the mapping stands first; the second one is looked for in the text.
  private mutating func addDuplicate(_ key: String, first: Mark, in text: String) {
    if let second = Self.repetition(of: key, after: first, in: text) {
      let line = first.line + linesBefore
      add(
        "key \(quoted(key)) is given twice in one mapping, first at line \(line); keep one",
        line: second.line, column: second.column)
    } else {
      add("key \(quoted(key)) is given twice in one mapping; keep one", at: first)
    }
  }

  /// The next place below `first` in its column, or further on in its line, where `key:` starts.
  private static func repetition(
    of key: String, after first: Mark, in text: String
  ) -> (line: Int, column: Int)? {
    guard !key.isEmpty, !key.contains("\n") else { return nil }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(first.line - 1)
    for (offset, line) in lines.enumerated() {
      let scalars = Array(line.unicodeScalars)
      if offset == 0 {
        let starts = stride(from: first.column, to: scalars.count, by: 1)
        guard let start = starts.first(where: { Self.starts(key, in: scalars, at: $0) }) else { continue }
        return (first.line, start + 1)
      }
      if Self.starts(key, in: scalars, at: first.column - 1) { return (first.line + offset, first.column) }
    }
    return nil
  }

  private static func starts(_ key: String, in line: [Unicode.Scalar], at index: Int) -> Bool {
    let key = Array(key.unicodeScalars)
    guard index >= 0, index + key.count < line.count else { return false }
    if index > 0, !" \t,{-".unicodeScalars.contains(line[index - 1]) { return false }
    guard line[index..<(index + key.count)].elementsEqual(key) else { return false }
    return line[(index + key.count)...].first { $0 != " " } == ":"
  }

  /// Line and column, from 1, of the character at `offset`.
  private static func position(of offset: Int, in text: String) -> (line: Int, column: Int) {
    var line = 1
    var column = 1
    for character in text.prefix(offset) {
      (line, column) = character.isNewline ? (line + 1, 1) : (line, column + character.unicodeScalars.count)
    }
    return (line, column)
  }
}
