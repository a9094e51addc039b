package import Dataplane

/// The records of closed sessions, kept on the control side until deleted, sent or pushed out. Design
/// decision 9.
///
/// A session that lingers is closed, and has its place here from that moment on; its record is `final` once
/// the worker has forgotten it, late packets included. In the order in which they closed; several may have
/// the same id, of which ``newest(of:)`` and ``acknowledge(_:)`` mean the newest. It knows closed sessions
/// only: where an id is in use again, asking for the live session first is up to the caller. Operations are
/// O(1) amortised unless they say otherwise.
package struct ClosedSessions: Sendable {
  /// The most final records that are kept; those that are being sent, and those of lingering sessions, whose
  /// number the table bounds, are not counted.
  package private(set) var limit: Int
  /// Records kept, of every kind.
  package private(set) var count = 0
  /// Records dropped unacknowledged because `limit` newer ones came.
  package private(set) var lost: UInt64 = 0
  /// Final records that nobody is being sent.
  package internal(set) var readyCount = 0

  /// By position, ascending; before `first`, and where the snapshot is nil, nothing is kept any more.
  var entries: [Entry] = []
  private var first = 0
  /// The index of each id's newest entry.
  private var newest: [SessionID: Int] = [:]
  /// The position of the next record among all that were ever appended.
  private var nextPosition: UInt64 = 0
  /// Positions in the order in which they became final, from `readyFirst` on; some are not ready any more.
  var ready: [UInt64] = []
  var readyFirst = 0
  /// Where the records of lingering sessions are; nil when they have been acknowledged.
  private var lingering: [Place: UInt64?] = [:]

  /// Where a worker keeps a lingering session.
  package struct Place: Hashable, Sendable {
    package var worker: Int
    package var record: UInt32

    package init(worker: Int, record: UInt32) {
      self.worker = worker
      self.record = record
    }
  }

  enum Stage: Equatable, Sendable { case lingering(Place), ready, leased }

  struct Entry: Sendable {
    let position: UInt64
    var snapshot: SessionSnapshot?
    var stage: Stage
    /// The index of an older entry of the same id, which may have gone.
    var older: Int?
  }

  /// - Parameter limit: 0 or more; with 0 every record is lost.
  package init(limit: Int) {
    precondition(limit >= 0, "fewer than no records")
    self.limit = limit
  }

  // MARK: Records come

  /// Adds the final record of a session that has ended; where all places are taken, the oldest final record
  /// is dropped.
  package mutating func append(_ snapshot: SessionSnapshot) {
    append(snapshot, .ready)
    makeReady(nextPosition - 1)
  }

  /// Adds the record of a session that has closed and lingers.
  package mutating func append(_ snapshot: SessionSnapshot, lingeringAt place: Place) {
    // Its end was never reported: the control side was too slow.
    if case .some(.some(let position)) = lingering.removeValue(forKey: place) { settle(position) }
    append(snapshot, .lingering(place))
    lingering[place] = nextPosition - 1
  }

  /// The session that lingered at `place` is forgotten: `snapshot` is its final record.
  ///
  /// - Returns: whether it was known to linger.
  @discardableResult
  package mutating func finish(_ snapshot: SessionSnapshot, lingeringAt place: Place) -> Bool {
    guard let known = lingering.removeValue(forKey: place) else {
      append(snapshot)
      return false
    }
    // Acknowledged already, it is not wanted any more.
    guard let position = known else { return true }
    if let index = self.index(at: position) { entries[index].snapshot = snapshot }
    settle(position)
    return true
  }

  private mutating func append(_ snapshot: SessionSnapshot, _ stage: Stage) {
    entries.append(
      Entry(position: nextPosition, snapshot: snapshot, stage: stage, older: newest[snapshot.id]))
    newest[snapshot.id] = entries.count - 1
    nextPosition += 1
    count += 1
    compactIfSparse()
  }

  private mutating func settle(_ position: UInt64) {
    guard let index = index(at: position) else { return }
    entries[index].stage = .ready
    makeReady(position)
  }

  private mutating func makeReady(_ position: UInt64) {
    ready.append(position)
    readyCount += 1
    dropExcess()
  }

  /// Keeps so many from now on.
  package mutating func setLimit(_ limit: Int) {
    precondition(limit >= 0, "fewer than no records")
    self.limit = limit
    dropExcess()
  }

  /// Drops the oldest final records that are too many.
  mutating func dropExcess() {
    while readyCount > limit, let index = takeReady() {
      remove(index)
      lost += 1
    }
    compactIfSparse()
  }

  /// The oldest final record, which is not ready any more; its index.
  mutating func takeReady() -> Int? {
    while readyFirst < ready.count {
      let position = ready[readyFirst]
      readyFirst += 1
      if let index = index(at: position), entries[index].stage == .ready {
        readyCount -= 1
        return index
      }
    }
    return nil
  }

  // MARK: Records are looked at, and go

  /// The newest record of `id`, and where it lingers if it does; nil when there is none.
  package func newest(of id: SessionID) -> (snapshot: SessionSnapshot, place: Place?)? {
    guard let index = newest[id], let snapshot = entries[index].snapshot else { return nil }
    return (snapshot, entries[index].place)
  }

  /// The newest record of `id`; nil when there is none.
  package func record(of id: SessionID) -> SessionSnapshot? { newest(of: id)?.snapshot }

  /// Removes the newest record of `id`; an older one of the same id is then the newest.
  ///
  /// - Returns: the record; nil when there is none.
  package mutating func acknowledge(_ id: SessionID) -> SessionSnapshot? {
    guard let index = newest[id], let snapshot = entries[index].snapshot else { return nil }
    switch entries[index].stage {
    case .lingering(let place): lingering[place] = .some(nil)
    case .ready: readyCount -= 1
    case .leased: break
    }
    remove(index)
    compactIfSparse()
    return snapshot
  }

  /// A page of records.
  package struct Page {
    package var records: [SessionSnapshot] = []
    /// Which of them linger: their position in `records`, and where.
    package var lingering: [(index: Int, place: Place)] = []
    /// Where the next page begins; nil when there are no more records.
    package var next: UInt64?
  }

  /// Records from `cursor` on, in the order in which they closed. O(log `count` + `limit`), amortised over a
  /// whole list.
  ///
  /// - Parameters:
  ///   - cursor: 0 for the first page, then the `next` of the page before. Records that come or go in
  ///     between make no other one appear twice or not at all.
  ///   - limit: the most records of a page, 1 or more.
  package func list(from cursor: UInt64, limit: Int) -> Page {
    precondition(limit > 0, "a page without records")
    var page = Page()
    for entry in entries[lowerBound(of: cursor)...] {
      guard let snapshot = entry.snapshot else { continue }
      if page.records.count == limit {
        page.next = entry.position
        return page
      }
      if let place = entry.place { page.lingering.append((page.records.count, place)) }
      page.records.append(snapshot)
    }
    return page
  }

  /// The index of the record at `position`; nil when it has gone.
  func index(at position: UInt64) -> Int? {
    let index = lowerBound(of: position)
    guard index < entries.count, entries[index].position == position, entries[index].snapshot != nil else {
      return nil
    }
    return index
  }

  /// The index of the first entry at `position` or later.
  private func lowerBound(of position: UInt64) -> Int {
    var (low, high) = (first, entries.count)
    while low < high {
      let middle = low + (high - low) / 2
      if entries[middle].position < position { low = middle + 1 } else { high = middle }
    }
    return low
  }

  mutating func remove(_ index: Int) {
    guard let id = entries[index].snapshot?.id else { return }
    entries[index].snapshot = nil
    count -= 1
    if newest[id] == index {
      var older = entries[index].older
      while let candidate = older, entries[candidate].snapshot == nil { older = entries[candidate].older }
      newest[id] = older
    }
    while first < entries.count, entries[first].snapshot == nil { first += 1 }
  }

  /// Entries without record before it is worth the work to close the gaps.
  private static let sparse = 64

  /// Closes the gaps once they are more than the records: memory and lists stay proportional to `count`.
  private mutating func compactIfSparse() {
    guard entries.count > 2 * count + Self.sparse || readyFirst > count + Self.sparse else { return }
    ready = ready[readyFirst...].filter { position in
      index(at: position).map { entries[$0].stage == .ready } ?? false
    }
    readyFirst = 0
    entries.removeAll { $0.snapshot == nil }
    first = 0
    newest.removeAll(keepingCapacity: true)
    for index in entries.indices {
      guard let id = entries[index].snapshot?.id else { continue }
      entries[index].older = newest.updateValue(index, forKey: id)
    }
  }
}

extension ClosedSessions.Entry {
  fileprivate var place: ClosedSessions.Place? {
    if case .lingering(let place) = stage { place } else { nil }
  }
}
