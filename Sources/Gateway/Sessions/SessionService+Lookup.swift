public import Dataplane

/// Single sessions by id: the live one, else the newest closed one.
extension SessionService {
  /// A live session by id, else the newest retained record of it; nil when there is neither.
  public func session(_ id: SessionID) async -> SessionSnapshot? {
    if let live = await ask(id, { .find($0) }) { return live }
    return await closed(id)
  }

  /// What there is of an id: the live session, and the newest retained record.
  public func sessions(_ id: SessionID) async -> [SessionSnapshot] {
    let live = await ask(id, { .find($0) })
    let retained = await closed(id)
    return [live, retained].compactMap { $0 }
  }

  /// Ends a live session, else acknowledges the newest retained record of the id.
  ///
  /// - Returns: its final state, closed (a deleted one without a close code); nil when there is neither.
  public func delete(_ id: SessionID) async -> SessionSnapshot? {
    if let last = await ask(id, { .delete($0) }) { return last }
    let latest = await closed(id)
    guard let record = journal.acknowledge(id) else { return nil }
    // Of a lingering session the record is as old as its close.
    if let latest, latest.start == record.start, latest.end == record.end { return latest }
    return record
  }

  /// Asks the workers that may have a live session `id`; at most one has it.
  private func ask(
    _ id: SessionID, _ operation: ([SessionID]) -> SessionBatch.Operation
  ) async -> SessionSnapshot? {
    let batches = owners(of: id).map { (worker: $0, batch: SessionBatch(operation([id]))) }
    await queue.run(batches)
    for (_, batch) in batches where batch.isDone {
      if case .some(.some(let session)) = batch.snapshots.first { return session }
    }
    return nil
  }

  /// The server's ids name their worker, the clients' do not, and neither do those of sessions that were
  /// taken over from another number of workers.
  private func owners(of id: SessionID) -> Range<Int> {
    let all = 0..<group.setup.workers
    guard let worker = id.assigningWorker, !group.restored.hasMovedIDs else { return all }
    return all.contains(worker) ? worker..<worker + 1 : 0..<0
  }

  /// The newest closed session of `id`, with the late packets that it has had so far.
  private func closed(_ id: SessionID) async -> SessionSnapshot? {
    guard let (record, place) = journal.newest(of: id) else { return nil }
    guard let place else { return record }
    let latest = await refreshed([(record, place)])
    // Forgotten meanwhile: its final record is there now.
    return latest[0] ?? journal.newest(of: id)?.snapshot ?? record
  }

  /// Lingering sessions as they are now; nil for those that the workers have forgotten.
  func refreshed(
    _ records: [(SessionSnapshot, ClosedSessions.Place)]
  ) async -> [SessionSnapshot?] {
    var byWorker = [[Int]](repeating: [], count: group.setup.workers)
    for (index, record) in records.enumerated() { byWorker[record.1.worker].append(index) }
    var batches: [(worker: Int, batch: SessionBatch)] = []
    for (worker, indices) in byWorker.enumerated() where !indices.isEmpty {
      let wanted = indices.map {
        LingeringSession(record: records[$0].1.record, id: records[$0].0.id, start: records[$0].0.start)
      }
      batches.append((worker, SessionBatch(.findLingering(wanted))))
    }
    await queue.run(batches)
    var latest = [SessionSnapshot?](repeating: nil, count: records.count)
    for (worker, batch) in batches where batch.isDone {
      for (position, index) in byWorker[worker].enumerated() { latest[index] = batch.snapshots[position] }
    }
    return latest
  }
}
