public import Dataplane

/// Adding, decisions A9 and A16 to A18, design decision 11.
extension SessionService {
  /// Adds sessions as one atomic request (decision A9): when there is not room for all that are neither
  /// invalid nor duplicates, none is inserted. Of duplicates within `requests` the first wins.
  ///
  /// - Parameters:
  ///   - requests: validated; ids 0 are assigned here.
  ///   - replacing: whether the same id and tuple is changed in place (`x-upsert`).
  public func add(_ requests: [SessionRequest], replacing: Bool) async -> AddReply {
    if requests.isEmpty { return AddReply(outcomes: [], commitTime: nil, isFull: false) }
    if group.setup.workers > 1 {
      return await turn.whenDue { await addInParts(requests, replacing: replacing) }
    }
    if requests.count > Addition.partSize { return await addInParts(requests, replacing: replacing) }
    return await addAtOnce(requests, replacing: replacing)
  }

  /// The usual case, one worker and one batch: the worker does all of it between two bursts.
  private func addAtOnce(_ requests: [SessionRequest], replacing: Bool) async -> AddReply {
    let batch = SessionBatch(.add(requests, replacing: replacing, places: .together))
    await queue.run([(worker: 0, batch: batch)])
    guard batch.isDone else { return .unanswered(requests) }
    return reply(batch.outcomes, isFull: !batch.isGranted, at: batch.time)
  }

  /// Several workers or batches. Places for all requests are reserved first; then nothing can be refused for
  /// want of room, and what was not used is given back. Only near the limit are duplicates looked for before,
  /// for the exact number of places.
  private func addInParts(_ requests: [SessionRequest], replacing: Bool) async -> AddReply {
    let addition = Addition(requests, replacing: replacing, group)
    if await !reserve(requests.count) {
      await queue.run((0..<group.setup.workers).map { ($0, SessionBatch(.makeRoom)) })
      await addition.run(.check, queue)
      guard await reserve(addition.neededPlaces) else {
        let outcomes = addition.outcomesWhenFull
        // Without one the service has ended.
        return reply(outcomes, isFull: outcomes.contains { $0.outcome == .tableFull }, at: .zero)
      }
      addition.keepPromising()
    }
    await addition.run(.add, queue)
    giveBack(addition.unusedPlaces)
    return reply(addition.outcomes, isFull: false, at: addition.commitTime)
  }

  private func reply(
    _ outcomes: [(outcome: AddOutcome, id: SessionID)], isFull: Bool, at time: PacketTime
  ) -> AddReply {
    let hasChanged = outcomes.contains { $0.outcome.isChange }
    return AddReply(outcomes: outcomes, commitTime: hasChanged ? wallTime(time) : nil, isFull: isFull)
  }

  /// Claims places, all or none: a single worker does it itself (see `SessionCapacity.isShared`).
  private func reserve(_ count: Int) async -> Bool {
    let capacity = group.setup.capacity
    if capacity.isShared { return capacity.reserve(count) }
    let batch = SessionBatch(.reserve(count))
    await queue.run([(worker: 0, batch: batch)])
    return batch.isDone && batch.isGranted
  }

  /// Places of requests that never went to a worker: there are some only with several.
  private func giveBack(_ count: Int) {
    if count > 0, group.setup.capacity.isShared { group.setup.capacity.release(count) }
  }
}

extension SessionService.AddReply {
  /// The service ended before the workers answered.
  fileprivate static func unanswered(_ requests: [SessionRequest]) -> Self {
    Self(outcomes: requests.map { (.unavailable, $0.id) }, commitTime: nil, isFull: false)
  }
}
