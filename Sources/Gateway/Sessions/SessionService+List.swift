import Dataplane

/// Lists in pages, while workers forward and sessions come and go.
extension SessionService {
  /// Records that a worker looks at for one command: about 100 microseconds, however few are in use.
  private static let scan = 8192
  /// Sessions that it copies for one.
  private static let copies = 512

  /// A page of sessions, in no promised order; each that exists throughout is on exactly one page.
  ///
  /// For `all` closed ones come after live ones: a session that closes in between may be shown as both.
  ///
  /// - Parameters:
  ///   - cursor: nil for the first page, then `next` of the page before, with the same filter.
  ///   - limit: the most sessions of the page, 1 or more.
  public func list(
    _ filter: Filter, from cursor: UInt64?, limit: Int
  ) async throws(UnknownCursor) -> Page {
    var stage = filter.firstStage
    if let number = cursor {
      guard let cursor = cursors.cursor(of: number), cursor.filter == filter else { throw UnknownCursor() }
      stage = cursor.stage
    }
    let limit = max(limit, 1)
    var sessions: [SessionSnapshot] = []
    while sessions.count < limit {
      let next: ListCursor.Stage?
      switch stage {
      case .live(let worker, let record):
        next = await listLive(filter, worker, record, limit - sessions.count, &sessions)
      case .closed(let position): next = await listClosed(position, limit - sessions.count, &sessions)
      }
      guard let next else { return Page(sessions: sessions, next: nil) }
      stage = next
    }
    return Page(sessions: sessions, next: cursors.number(of: ListCursor(filter: filter, stage: stage)))
  }

  /// Adds live sessions of one worker; where to go on, nil at the end of the list.
  private func listLive(
    _ filter: Filter, _ worker: Int, _ record: UInt32, _ limit: Int, _ sessions: inout [SessionSnapshot]
  ) async -> ListCursor.Stage? {
    let batch = SessionBatch(
      .list(cursor: record, limit: min(limit, Self.copies), states: filter.states, scanning: Self.scan))
    await queue.run([(worker, batch)])
    guard batch.isDone else { return nil }
    for case let session? in batch.snapshots { sessions.append(session) }
    if let next = batch.nextCursor { return .live(worker: worker, record: next) }
    if worker + 1 < group.setup.workers { return .live(worker: worker + 1, record: 0) }
    return filter == .all ? .closed(position: 0) : nil
  }

  private func listClosed(
    _ position: UInt64, _ limit: Int, _ sessions: inout [SessionSnapshot]
  ) async -> ListCursor.Stage? {
    var page = journal.list(from: position, limit: min(limit, Self.copies))
    if !page.lingering.isEmpty {
      let latest = await refreshed(page.lingering.map { (page.records[$0.index], $0.place) })
      for (lingering, session) in zip(page.lingering, latest) {
        if let session { page.records[lingering.index] = session }
      }
    }
    sessions += page.records
    return page.next.map { .closed(position: $0) }
  }
}

extension SessionService.Filter {
  fileprivate var firstStage: ListCursor.Stage {
    self == .closed ? .closed(position: 0) : .live(worker: 0, record: 0)
  }

  fileprivate var states: SessionStates {
    switch self {
    case .live, .all: .live
    case .established: .established
    case .closing: .closing
    case .closed: []
    }
  }
}
