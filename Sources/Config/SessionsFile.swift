public import Dataplane
internal import Yams

/// A file of sessions: a list of entries, or a mapping whose one key `sessions` holds the list.
///
/// A block list (one `- ` line an entry) may have up to 256 MiB; it is read in runs of entries, so memory
/// is a small multiple of the text. Any other form, such as JSON, may have up to 1 MiB.
public enum SessionsFile {
  /// Reads and checks the file; no entry is used unless all are right.
  ///
  /// - Parameters:
  ///   - timeouts: `cacheMaximum` bounds every cachetimeout.
  ///   - knownLIFs: the LIF numbers that entries may name beside 0, nil for any.
  ///   - existing: sessions loaded before, which ids and tuples may not repeat.
  /// - Throws: every problem of the file, by line, column and entry index.
  public static func load(
    path: String, timeouts: Timeouts = Timeouts(), knownLIFs: Set<UInt16>? = nil,
    besides existing: [SessionRequest] = []
  ) throws(ConfigError) -> [SessionRequest] {
    let bytes = try TextFile.read(path, limit: largestFile)
    return try parse(bytes, file: path, timeouts: timeouts, knownLIFs: knownLIFs, besides: existing)
  }

  /// ``load(path:timeouts:knownLIFs:besides:)`` of a text; `file` is for messages.
  public static func parse(
    _ text: String, file: String, timeouts: Timeouts = Timeouts(), knownLIFs: Set<UInt16>? = nil,
    besides existing: [SessionRequest] = []
  ) throws(ConfigError) -> [SessionRequest] {
    let bytes = Array(text.utf8)
    return try parse(bytes, file: file, timeouts: timeouts, knownLIFs: knownLIFs, besides: existing)
  }

  private static func parse(
    _ bytes: [UInt8], file: String, timeouts: Timeouts, knownLIFs: Set<UInt16>?,
    besides existing: [SessionRequest]
  ) throws(ConfigError) -> [SessionRequest] {
    let rules = SessionEntry.Rules(cacheMaximum: timeouts.cacheMaximum, knownLIFs: knownLIFs)
    var list = SessionList(rules: rules, besides: existing)
    var problems = ProblemList(file: file)
    if var runs = EntryRuns(in: bytes) {
      while let run = runs.next() { read(run, of: bytes, into: &list, problems: &problems) }
    } else if bytes.count > TextFile.largestDocument {
      problems.add("is over 1 MiB and not a block list; accepted: one \"- \" line an entry", at: nil)
    } else {
      read(whole: bytes, into: &list, problems: &problems)
    }
    guard problems.isEmpty else { throw problems.error }
    return list.sessions
  }

  private static func read(
    _ run: EntryRuns.Run, of bytes: [UInt8], into list: inout SessionList, problems: inout ProblemList
  ) {
    problems.linesBefore = run.linesBefore
    guard run.range.count <= TextFile.largestDocument else {
      problems.add(
        "this entry is over 1 MiB; accepted: entries of a few lines", line: 1, column: nil, list.nextPath)
      list.skip(run.entryCount)
      return
    }
    let root = TextFile.decode(bytes[run.range], problems: &problems).flatMap {
      YAMLDocument.parse($0, problems: &problems)
    }
    guard case .sequence(let entries) = root else { return list.skip(run.entryCount) }
    for entry in entries { list.append(entry, problems: &problems) }
  }

  private static func read(whole bytes: [UInt8], into list: inout SessionList, problems: inout ProblemList) {
    guard let text = TextFile.decode(bytes[...], problems: &problems) else { return }
    switch YAMLDocument.parse(text, problems: &problems) {
    case .sequence(let entries):
      for entry in entries { list.append(entry, problems: &problems) }
    case .mapping(let mapping):
      let keys = ["sessions"]
      guard let fields = MappingReader(.mapping(mapping), .root, keys: keys, problems: &problems) else {
        return
      }
      fields.require("sessions", accepted: "a list of sessions", &problems)
      for entry in fields.list("sessions", &problems) { list.append(entry, problems: &problems) }
    case nil:
      if problems.isEmpty { problems.add("holds no sessions; write [] if none are meant", at: nil) }
    case let other?:
      problems.add(
        "\(found(other)) is not a list of sessions; accepted: one \"- \" entry a line", at: other.mark)
    }
  }

  private static let largestFile = 256 << 20
}

/// The sessions read so far, checked against each other.
struct SessionList {
  /// The right ones, in file order.
  private(set) var sessions: [SessionRequest] = []
  private let rules: SessionEntry.Rules
  private var conflicts = SessionConflicts()
  private var index = 0

  /// An empty list; `existing` sessions were loaded before from elsewhere.
  init(rules: SessionEntry.Rules, besides existing: [SessionRequest] = []) {
    self.rules = rules
    for session in existing { _ = conflicts.accept(session, index: -1) }
  }

  /// The path of the entry that comes next.
  var nextPath: FieldPath { .element(.key(.root, "sessions"), index) }

  /// Reads the next entry; one that is wrong or contradicts another is reported and left out.
  mutating func append(_ entry: Node, problems: inout ProblemList) {
    let path = nextPath
    defer { index += 1 }
    guard let session = SessionEntry.parse(entry, path, rules: rules, problems: &problems) else { return }
    if let conflict = conflicts.accept(session, index: index) {
      problems.add(conflict.message, at: entry.mark, .key(path, conflict.key))
    } else {
      sessions.append(session)
    }
  }

  /// Passes over entries that could not be read.
  mutating func skip(_ count: Int) { index += count }
}
