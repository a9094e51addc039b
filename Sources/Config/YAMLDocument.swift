internal import Yams

/// One YAML document as nodes, with anchors, aliases, tags and duplicate keys refused.
///
/// Hostile input costs bounded time and stack: libyaml stops at 1,000 levels of nesting, and a text
/// with more than a few aliases is refused before Yams copies or compares what they stand for.
enum YAMLDocument {
  /// The root node; nil if the text holds no document, or problems were added.
  static func parse(_ text: String, problems: inout ProblemList) -> Node? {
    let marks = IndicatorCounts(in: text)
    guard marks.anchors == 0 || marks.aliases <= aliasLimit else {
      problems.add(refusal, line: marks.firstAnchorLine, column: nil)
      return nil
    }
    do {
      // No resolver rules: types are decided by what a key wants, and regular expressions are slow.
      let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
      guard let root = try parser.singleRoot() else { return nil }
      guard marks.anchors > 0 || marks.mayHaveTags else { return root }
      // A node refers to its anchor weakly; the parser keeps it.
      return withExtendedLifetime(parser) { isPlainData(root, problems: &problems) } ? root : nil
    } catch let error as YamlError {
      problems.add(error, in: text)
    } catch {
      problems.add("not readable as YAML: \(error)", at: nil)
    }
    return nil
  }

  /// Reports the first anchor or tag. Never looks below an anchor: an alias costs no more than it is long.
  private static func isPlainData(_ node: Node, isKey: Bool = false, problems: inout ProblemList) -> Bool {
    if node.anchor != nil {
      problems.add(refusal, at: node.mark)
      return false
    }
    switch node {
    case .scalar(let scalar):
      // Yams tags quoted scalars and every key as strings itself.
      guard scalar.tag.rawValue.isEmpty || isKey || !scalar.isPlain && scalar.tag == Tag(.str) else {
        problems.add("tags (!) are not accepted; write the value alone", at: scalar.mark)
        return false
      }
      return true
    case .sequence(let sequence):
      return sequence.allSatisfy { isPlainData($0, problems: &problems) }
    case .mapping(let mapping):
      return mapping.allSatisfy {
        isPlainData($0.key, isKey: true, problems: &problems) && isPlainData($0.value, problems: &problems)
      }
    case .alias:
      return true
    }
  }

  /// What to write instead of anchors and aliases.
  static let refusal = "anchors (&) and aliases (*) are not accepted; write the value out"
  /// So few cannot multiply into anything large, and words like *this in comments are not refused.
  private static let aliasLimit = 16
}

/// Counts what may be anchors, aliases and tags, whether in a comment, in quotes or meant: an upper bound.
private struct IndicatorCounts {
  private(set) var anchors = 0
  private(set) var aliases = 0
  private(set) var firstAnchorLine = 1
  private(set) var mayHaveTags = false

  init(in text: String) {
    var line = 1
    var beforeMark = UInt8(ascii: "\n")
    var previous = UInt8(ascii: "\n")
    for byte in text.utf8 {
      if Self.isNameByte(byte) || byte == UInt8(ascii: "-"), !Self.isNameByte(beforeMark) {
        if previous == UInt8(ascii: "*") { aliases += 1 }
        if previous == UInt8(ascii: "&") {
          if anchors == 0 { firstAnchorLine = line }
          anchors += 1
        }
      }
      if byte == UInt8(ascii: "!") { mayHaveTags = true }
      if byte == UInt8(ascii: "\n") { line += 1 }
      beforeMark = previous
      previous = byte
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
