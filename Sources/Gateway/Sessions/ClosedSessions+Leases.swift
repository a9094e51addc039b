package import Dataplane

/// Records on their way to a consumer: nobody else is sent them until it is known what arrived.
extension ClosedSessions {
  /// Up to `limit` final records, in the order in which they became final, that nobody else is being sent.
  package mutating func lease(limit: Int) -> (records: [SessionSnapshot], positions: [UInt64]) {
    var (records, positions): ([SessionSnapshot], [UInt64]) = ([], [])
    while records.count < limit, let index = takeReady() {
      guard let snapshot = entries[index].snapshot else { continue }
      entries[index].stage = .leased
      records.append(snapshot)
      positions.append(entries[index].position)
    }
    return (records, positions)
  }

  /// Ends a lease: the first `sent` records are removed, the others are the oldest to be leased again. Those
  /// that were acknowledged meanwhile are gone.
  package mutating func settle(_ positions: [UInt64], sent: Int) {
    for position in positions.prefix(max(sent, 0)) {
      if let index = leased(position) { remove(index) }
    }
    var returned: [UInt64] = []
    for position in positions.dropFirst(max(sent, 0)) {
      guard let index = leased(position) else { continue }
      entries[index].stage = .ready
      returned.append(position)
    }
    if returned.count <= readyFirst {
      readyFirst -= returned.count
      ready.replaceSubrange(readyFirst..<readyFirst + returned.count, with: returned)
    } else {
      ready.replaceSubrange(..<readyFirst, with: returned)
      readyFirst = 0
    }
    readyCount += returned.count
    dropExcess()
  }

  private func leased(_ position: UInt64) -> Int? {
    index(at: position).flatMap { entries[$0].stage == .leased ? $0 : nil }
  }
}
