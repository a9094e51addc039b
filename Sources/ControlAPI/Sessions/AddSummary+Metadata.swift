package import GRPCCore

extension AddSummary {
  /// What the reply's message has no field for.
  ///
  /// - `x-assigned-session-ids`: for each request without an id, in the stream's order, the one it got, or 0
  ///   when it failed; with commas. Of more than 256 the others are only counted, in
  ///   `x-assigned-session-ids-omitted`: clients refuse more than 8 KiB of metadata. GetAllSession has them.
  /// - `x-session-error`: `POSITION: what was wrong`, for each of the first 16 failures.
  package var trailingMetadata: Metadata {
    var metadata: Metadata = [:]
    if !assigned.isEmpty {
      let shown = assigned.prefix(Self.mostAssigned).map { "\($0)" }.joined(separator: ",")
      metadata.addString(shown, forKey: "x-assigned-session-ids")
    }
    if assigned.count > Self.mostAssigned {
      metadata.addString("\(assigned.count - Self.mostAssigned)", forKey: "x-assigned-session-ids-omitted")
    }
    for text in texts { metadata.addString(text, forKey: "x-session-error") }
    return metadata
  }

  /// Ids of 19 digits with commas are 5 KiB then.
  private static let mostAssigned = 256
}
