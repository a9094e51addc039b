internal import Yams

/// Typed access to the keys of one YAML mapping; whatever is wrong with them goes to a problem list.
///
/// An accessor answers nil for an absent key and for a wrong value. Callers go on with a default:
/// a file with a problem is refused as a whole, after everything in it was looked at.
struct MappingReader {
  let path: FieldPath
  /// Where the mapping starts.
  let mark: Mark?
  private var fields: [Field] = []

  private struct Field {
    let key: String
    let value: Node
  }

  /// Reports a node that is not a mapping, and keys that are not among `keys`; nil only for the former.
  init?(_ node: Node, _ path: FieldPath, keys: [String], problems: inout ProblemList) {
    self.path = path
    mark = node.mark
    guard case .mapping(let mapping) = node else {
      let accepted = keys.joined(separator: ", ")
      problems.add("\(found(node)) is not a mapping; accepted: the keys \(accepted)", at: node.mark, path)
      return nil
    }
    fields.reserveCapacity(mapping.count)
    for index in mapping.indices {
      let (key, value) = mapping[index]
      guard case .scalar(let name) = key else {
        problems.add(
          "\(found(key)) is not a key; accepted: \(keys.joined(separator: ", "))", at: key.mark, path)
        continue
      }
      if keys.contains(name.string) {
        fields.append(Field(key: name.string, value: value))
      } else {
        let hint = nearest(to: name.string, among: keys).map { ", did you mean \(quoted($0))?" } ?? ";"
        let accepted = keys.joined(separator: ", ")
        problems.add("unknown key \(quoted(name.string))\(hint) accepted: \(accepted)", at: name.mark, path)
      }
    }
  }

  /// Whether `key` is there, with whatever value.
  func has(_ key: String) -> Bool { index(of: key) != nil }

  /// Where the value of `key` stands, else where the mapping does.
  func mark(of key: String) -> Mark? { node(key)?.mark ?? mark }

  /// The path of the value of `key`, for problems.
  func path(of key: String) -> FieldPath { .key(path, key) }

  /// The value of `key` as it was written, nil if absent.
  func node(_ key: String) -> Node? { index(of: key).map { fields[$0].value } }

  /// Adds a problem of the value of `key`.
  func refuse(_ key: String, _ message: String, _ problems: inout ProblemList) {
    problems.add(message, at: mark(of: key), path(of: key))
  }

  /// Adds a problem if `key` is absent.
  func require(_ key: String, accepted: String, _ problems: inout ProblemList) {
    if !has(key) { problems.add("is missing; accepted: \(accepted)", at: mark, path(of: key)) }
  }

  /// By index, because a copy of each node that is passed over would cost more than the search.
  private func index(of key: String) -> Int? { fields.indices.first { fields[$0].key == key } }
}

/// What a message calls a value that was not expected.
func found(_ node: Node) -> String {
  switch node {
  case .scalar(let scalar) where scalar.isNull: "an empty value"
  case .scalar(let scalar): quoted(scalar.string)
  case .mapping: "a mapping"
  case .sequence: "a list"
  case .alias: "an alias"
  }
}

extension Node.Scalar {
  /// Written without quotes and not as a block: the only way to write a number.
  var isPlain: Bool { style == .plain }

  /// Nothing, `~` or `null`, unquoted.
  var isNull: Bool { isPlain && ["", "~", "null", "Null", "NULL"].contains(string) }
}
