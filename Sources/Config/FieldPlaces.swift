internal import Yams

/// Where the fields of a document stand, so that what is found out about them later can name the place.
struct FieldPlaces: Sendable {
  private var places: [String: (line: Int, column: Int)] = [:]

  /// Fields as `ports[1].ring`; what lies deeper is found by what it lies in.
  init(_ root: Node?) {
    if let root { note(root, .root, depth: 0) }
  }

  /// Of the field, else of the nearest one that it lies in.
  subscript(path: String) -> (line: Int, column: Int)? {
    var path = path[...]
    while !path.isEmpty {
      if let place = places[String(path)] { return place }
      path = path.lastIndex { $0 == "." || $0 == "[" }.map { path[..<$0] } ?? ""
    }
    return nil
  }

  private static let depth = 3

  private mutating func note(_ node: Node, _ path: FieldPath, depth: Int) {
    if let mark = node.mark { places["\(path)"] = (mark.line, mark.column) }
    guard depth < Self.depth else { return }
    switch node {
    case .mapping(let mapping):
      for (key, value) in mapping {
        if let name = key.string { note(value, .key(path, name), depth: depth + 1) }
      }
    case .sequence(let sequence):
      // Nothing is said about single entries of longer lists: they are sessions.
      for (index, value) in sequence.prefix(1024).enumerated() {
        note(value, .element(path, index), depth: depth + 1)
      }
    case .scalar, .alias: break
    }
  }
}
