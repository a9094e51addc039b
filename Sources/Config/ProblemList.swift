internal import Yams

/// Where a value stands in a document, as `sessions[3].action`.
indirect enum FieldPath: CustomStringConvertible {
  case root
  case key(FieldPath, String)
  case element(FieldPath, Int)

  /// The path as a user reads it, empty for the root.
  var description: String {
    switch self {
    case .root: ""
    case .key(.root, let key): key
    case .key(let parent, let key): "\(parent).\(key)"
    case .element(let parent, let index): "\(parent)[\(index)]"
    }
  }
}

/// What is wrong in one file, collected so that one reading reports all of it.
struct ProblemList {
  /// The file as the caller named it.
  let file: String
  /// Lines before the text that is being read, when that is a part of the file.
  var linesBefore = 0
  private var kept: [ConfigError.Problem] = []
  private var count = 0

  /// No problems yet.
  init(file: String) { self.file = file }

  /// Whether nothing is wrong so far.
  var isEmpty: Bool { count == 0 }

  /// Adds a problem at a place that Yams named, or of the whole file.
  mutating func add(_ message: String, at mark: Mark?, _ path: FieldPath = .root) {
    add(message, line: mark?.line, column: mark?.column, path)
  }

  /// Adds a problem; `line` counts from 1 in the text that is being read.
  mutating func add(_ message: String, line: Int?, column: Int?, _ path: FieldPath = .root) {
    count += 1
    guard kept.count < Self.capacity else { return }
    kept.append(
      ConfigError.Problem(
        file: file, line: line.map { $0 + linesBefore }, column: column, path: "\(path)", message: message))
  }

  /// The error to throw: the first problems in file order, those of the whole file before all.
  var error: ConfigError {
    let sorted = kept.sorted { ($0.line ?? 0, $0.column ?? 0) < ($1.line ?? 0, $1.column ?? 0) }
    let first = Array(sorted.prefix(ConfigError.limit))
    return ConfigError(problems: first, omitted: count - first.count)
  }

  /// Enough to sort ``ConfigError/limit`` of them by line however they were found, and bounded.
  private static let capacity = 1000
}
