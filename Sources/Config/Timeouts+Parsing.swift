internal import Dataplane
internal import Yams

extension Timeouts {
  /// Reads the `timeouts` mapping; absent keys keep their defaults.
  init(_ node: Node, _ path: FieldPath, problems: inout ProblemList) {
    self.init()
    if case .scalar(let scalar) = node, scalar.isNull { return }
    let keys = Self.fields.map(\.key)
    guard let fields = MappingReader(node, path, keys: keys, problems: &problems) else { return }
    for (key, field) in Self.fields {
      self[keyPath: field] = fields.integer(key, in: 1...Self.longest, &problems) ?? self[keyPath: field]
    }
    if cacheDefault > cacheMaximum {
      let key = fields.has("cache_default") ? "cache_default" : "cache_maximum"
      fields.refuse(
        key,
        "cache_default \(cacheDefault) is above cache_maximum \(cacheMaximum); lower one or raise the other",
        &problems)
    }
  }

  private static var fields: [(key: String, field: WritableKeyPath<Timeouts, UInt32>)] {
    [
      ("learned_tcp", \.learnedTCP), ("learned_handshake", \.learnedHandshake),
      ("learned_udp", \.learnedUDP), ("closing", \.closing), ("linger", \.linger),
      ("cache_default", \.cacheDefault), ("cache_maximum", \.cacheMaximum),
    ]
  }

  /// A year in seconds: longer idle times are mistakes of unit.
  private static let longest: UInt32 = 31_536_000
}
