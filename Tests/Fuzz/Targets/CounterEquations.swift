import Dataplane

/// What all counters of a finished run must satisfy together, over all its workers.
package enum CounterEquations {
  /// - Parameters:
  ///   - dropped: packets dropped, summed over the reasons.
  ///   - value: a counter, summed over the workers.
  /// - Returns: what does not hold, as sentences.
  package static func problems(dropped: UInt64, _ value: (Counter) -> UInt64) -> [String] {
    func sum(_ counters: [Counter]) -> UInt64 { counters.reduce(0) { $0 &+ value($1) } }
    let decided = sum([.forwarded, .dropped, .mirrored, .snooped, .punted, .consumed])
    let sent = sum([.forwarded, .mirrored, .snooped, .punted, .generated, .copiesMade])
    let ended = sum([.closedFINACK, .closedRST, .closedTimeout, .sessionsDeleted])
    let equations: [(String, UInt64, UInt64)] = [
      ("each packet has one verdict", value(.packets), decided),
      ("each drop has a reason", value(.dropped), dropped),
      (
        "each packet found a session, found none or could not have one", value(.packets),
        sum([.matched, .missed, .other])
      ),
      ("all that was sent has a cause", value(.transmitted) &+ value(.copiesFailed), sent),
      ("hand-offs cancel", value(.handedOff), value(.takenOver)),
      ("nothing is held", value(.held), 0),
      ("each session ended or is live", value(.sessionsOpened), ended &+ value(.liveSessions)),
    ]
    return equations.filter { $0.1 != $0.2 }.map { "\($0.0): \($0.1) is not \($0.2)" }
  }

  /// Of the counters of `pages`, one for each worker.
  package static func problems(in pages: [CounterPage]) -> [String] {
    let dropped = DropReason.allCases.reduce(0) { sum, reason in pages.reduce(sum) { $0 + $1[reason] } }
    return problems(dropped: dropped) { counter in pages.reduce(0) { $0 + $1[counter] } }
  }
}
