/// A file that was refused, with everything that is wrong in it.
public struct ConfigError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One thing that is wrong, and what would be right.
  public struct Problem: Hashable, Sendable, CustomStringConvertible {
    /// The file as the caller named it.
    public var file: String
    /// Counted from 1; nil when the problem is the file's, not a line's.
    public var line: Int?
    /// Counted from 1 in Unicode scalars.
    public var column: Int?
    /// The field, as `ports[1].miss`; empty for the whole file.
    public var path: String
    /// What was found and what is accepted.
    public var message: String

    /// A problem; without line and column it is the whole file's.
    public init(file: String, line: Int? = nil, column: Int? = nil, path: String = "", message: String) {
      self.file = file
      self.line = line
      self.column = column
      self.path = path
      self.message = message
    }

    /// `file:line:column: path: message`, without the parts that are not known.
    public var description: String {
      var place = file
      if let line { place += ":\(line)" }
      if let column { place += ":\(column)" }
      return path.isEmpty ? "\(place): \(message)" : "\(place): \(path): \(message)"
    }
  }

  /// In file order, at most ``limit``; never empty.
  public let problems: [Problem]
  /// How many more there are.
  public let omitted: Int

  /// - Precondition: `problems` is not empty, in file order and at most ``limit`` long.
  public init(problems: [Problem], omitted: Int = 0) {
    self.problems = problems
    self.omitted = omitted
  }

  /// One line a problem, then `and N more`.
  public var description: String {
    var lines = problems.map(\.description)
    if omitted > 0 { lines.append("and \(omitted) more") }
    return lines.joined(separator: "\n")
  }

  /// Problems reported by name: more scroll off a terminal.
  public static let limit = 20
}
