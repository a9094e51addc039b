import Dataplane

extension DaemonRuntime {
  /// What came back from an earlier process, how fast, and on which pages it lies; nil without
  /// `warm_restart`.
  package var warmRestart: String? {
    guard let state = warmState else { return nil }
    let path = state.directory.path
    let pages = state.directory.hasHugePages ? "2 MB pages" : "4 KB pages"
    let mounted = state.directory.isMountedHere ? ", where a tmpfs was mounted," : ""
    let place = "sessions lie in \(path)\(mounted) on \(pages)"
    if let refusal = state.refusal { return "starts without sessions: \(refusal); \(place)" }
    let counts = group.restored
    guard state.hasPredecessor else { return "nothing was there; \(place)" }
    var parts = ["\(counts.live) sessions are back after \(restoreNanoseconds / 1_000_000) ms"]
    if counts.lingering > 0 { parts.append("\(counts.lingering) closed ones still linger") }
    if !state.stored.isEmpty { parts.append("taken over from \(state.stored.count) workers' files") }
    if counts.discarded > 0 { parts.append("\(counts.discarded) records were not whole") }
    if counts.left > 0 { parts.append("\(counts.left) that were over found no room") }
    if configuredLeft > 0 {
      parts.append("\(configuredLeft) of \"sessions\" gave way to others or found no room")
    }
    return parts.joined(separator: ", ") + "; \(place)"
  }
}

extension WarmState {
  /// Whether an earlier process left something that was taken.
  var hasPredecessor: Bool { !stored.isEmpty || shards.first?.isOld == true }
}
