package import Config
package import GRPCCore

/// What a call's metadata asks for. A value that is not known is refused, not ignored.
package struct CallMetadata {
  private let metadata: Metadata

  package init(_ metadata: Metadata) { self.metadata = metadata }

  /// `x-upsert: true`: a session of the same id and tuple is changed in place (design: actions).
  package var isUpsert: Bool { get throws(RPCError) { try flag(Self.upsert) } }

  /// `x-follow: true`: GetClosedSessions stays open.
  package var isFollowing: Bool { get throws(RPCError) { try flag(Self.follow) } }

  /// `x-ipv4-encoding: inet_pton|host`, else what the listener has. Decision A1.
  package func ipv4Encoding(default listener: IPv4Encoding) throws(RPCError) -> IPv4Encoding {
    try value(Self.encoding, IPv4Encoding.allCases.map { ($0.rawValue, $0) }) ?? listener
  }

  private func flag(_ key: String) throws(RPCError) -> Bool {
    try value(key, [("true", true), ("false", false)]) ?? false
  }

  /// What `key` has; nil when it is not there. Twice the same is once.
  private func value<Value: Equatable>(
    _ key: String, _ choices: [(word: String, value: Value)]
  ) throws(RPCError) -> Value? {
    var found: Value?
    for text in metadata[stringValues: key] {
      guard let choice = choices.first(where: { $0.word == text }), found ?? choice.value == choice.value
      else {
        let words = choices.map(\.word).joined(separator: " or ")
        throw RPCError(
          code: .invalidArgument,
          message: "metadata \(key): \"\(text.prefix(64))\" is refused; accepted: \(words)")
      }
      found = choice.value
    }
    return found
  }

  private static let upsert = "x-upsert"
  private static let follow = "x-follow"
  private static let encoding = "x-ipv4-encoding"
}
