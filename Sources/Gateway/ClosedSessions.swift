package import Dataplane

/// The records of closed sessions, kept on the control side until deleted or pushed out. Design decision 9.
///
/// In the order in which they were appended; several may have the same id, of which ``record(of:)`` and
/// ``acknowledge(_:)`` mean the newest. It knows closed sessions only: where an id is in use again, asking
/// for the live session first is up to the caller. Operations are O(1) amortised unless they say otherwise.
package struct ClosedSessions: Sendable {
  /// The most records that are kept.
  package let limit: Int
  /// Records kept.
  package private(set) var count = 0
  /// Records dropped unacknowledged because `limit` newer ones came.
  package private(set) var lost: UInt64 = 0

  /// By position, ascending; before `first`, and where the snapshot is nil, nothing is kept any more.
  private var entries: [Entry] = []
  private var first = 0
  /// The index of each id's newest entry.
  private var newest: [SessionID: Int] = [:]
  /// The position of the next record among all that were ever appended.
  private var nextPosition: UInt64 = 0

  private struct Entry: Sendable {
    let position: UInt64
    var snapshot: SessionSnapshot?
    /// The index of the next older entry of the same id; none is kept there when it is below `first`.
    var older: Int?
  }

  /// - Parameter limit: 0 or more; with 0 every record is lost.
  package init(limit: Int) {
    precondition(limit >= 0, "fewer than no records")
    self.limit = limit
  }

  /// Adds the record of a session that has ended; where all places are taken, the oldest record is dropped.
  package mutating func append(_ snapshot: SessionSnapshot) {
    guard limit > 0 else {
      lost += 1
      return
    }
    if count == limit { dropOldest() }
    entries.append(Entry(position: nextPosition, snapshot: snapshot, older: newest[snapshot.id]))
    newest[snapshot.id] = entries.count - 1
    nextPosition += 1
    count += 1
    compactIfSparse()
  }

  /// The newest record of `id`; nil when there is none.
  package func record(of id: SessionID) -> SessionSnapshot? {
    newest[id].flatMap { entries[$0].snapshot }
  }

  /// Removes the newest record of `id`; an older one of the same id is then the newest.
  ///
  /// - Returns: the record; nil when there is none.
  package mutating func acknowledge(_ id: SessionID) -> SessionSnapshot? {
    guard let index = newest[id], let snapshot = entries[index].snapshot else { return nil }
    entries[index].snapshot = nil
    newest[id] = entries[index].older.flatMap { $0 < first ? nil : $0 }
    count -= 1
    compactIfSparse()
    return snapshot
  }

  /// Records from `cursor` on, oldest first. O(log `count` + `limit`), amortised over a whole list.
  ///
  /// - Parameters:
  ///   - cursor: 0 for the first page, then the `next` of the page before. Records that come or go in
  ///     between make no other one appear twice or not at all.
  ///   - limit: the most records of a page, 1 or more.
  /// - Returns: the page, and where the next one begins; nil when there are no more records.
  package func list(from cursor: UInt64, limit: Int) -> (records: [SessionSnapshot], next: UInt64?) {
    precondition(limit > 0, "a page without records")
    var records: [SessionSnapshot] = []
    for entry in entries[index(of: cursor)...] {
      guard let snapshot = entry.snapshot else { continue }
      if records.count == limit { return (records, entry.position) }
      records.append(snapshot)
    }
    return (records, nil)
  }

  /// The index of the first entry at `position` or later.
  private func index(of position: UInt64) -> Int {
    var (low, high) = (first, entries.count)
    while low < high {
      let middle = low + (high - low) / 2
      if entries[middle].position < position { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private mutating func dropOldest() {
    while entries[first].snapshot == nil { first += 1 }
    if let id = entries[first].snapshot?.id, newest[id] == first { newest[id] = nil }
    entries[first].snapshot = nil
    first += 1
    count -= 1
    lost += 1
  }

  /// Entries without record before it is worth the work to close the gaps.
  private static let sparse = 64

  /// Closes the gaps once they are more than the records: memory and lists stay proportional to `count`.
  private mutating func compactIfSparse() {
    guard entries.count > 2 * count + Self.sparse else { return }
    entries.removeAll { $0.snapshot == nil }
    first = 0
    newest.removeAll(keepingCapacity: true)
    for index in entries.indices {
      guard let id = entries[index].snapshot?.id else { continue }
      entries[index].older = newest.updateValue(index, forKey: id)
    }
  }
}
