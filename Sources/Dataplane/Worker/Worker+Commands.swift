import CLinuxPacket

extension Worker {
  /// Operations of one visit to the command ring before packets have their turn again.
  enum CommandPace: Int {
    /// Some 20 microseconds: packets wait.
    case besidePackets = 64
    /// Some 150 microseconds.
    case ordinary = 512
    /// The worker takes no packets yet.
    case all = 0x7fff_ffff_ffff_ffff
  }

  /// Requests between the one whose memory is asked for and the one that is applied.
  private static let lookahead = 16

  /// Applies what is in the ring, as much as `pace` says. Its CPU time is counted.
  ///
  /// - Returns: the CPU time in nanoseconds.
  mutating func applyCommands(of ring: CommandRing, _ pace: CommandPace) -> UInt64 {
    guard ring.hasBatch else { return 0 }
    let start = sluice_thread_cpu_ns()
    var weight = 0
    while weight < pace.rawValue || ring.mustDrain, let batch = ring.take() {
      weight += batch.weight
      apply(batch)
      counters.add(.commands)
    }
    let spent = sluice_thread_cpu_ns() &- start
    counters.add(.commandNanoseconds, spent)
    return spent
  }

  /// Applies a batch between two bursts, at the worker's present time.
  public mutating func apply(_ batch: SessionBatch) {
    reportEnded()
    batch.time = time
    switch batch.operation {
    case .add(let requests, let replacing, let places):
      add(requests, replacing: replacing, places, batch)
    case .check(let requests, let replacing, let plan):
      batch.outcomes = requests.map {
        (sessions.check(sessions.keyed($0), replacing: replacing, at: time, after: plan), $0.id)
      }
    case .reserve(let count): batch.isGranted = sessions.claim(count)
    case .makeRoom: endDue()
    case .tap(let tap): taps.append(tap)
    case .untap(let tap): taps.removeAll { $0 === tap }
    case .trace(let trace): traces.append(trace)
    case .untrace(let trace): traces.removeAll { $0 === trace }
    case .prepare(let change): batch.isGranted = prepare(change)
    case .commit(let change): commit(change)
    case .abandon(let change): abandon(change)
    case .find(let ids): forEach(of: ids, batch) { $0.sessions.find($1, at: $0.time) }
    case .delete(let ids): forEach(of: ids, batch) { $0.sessions.delete($1, at: $0.time) }
    case .findLingering(let wanted):
      batch.snapshots = wanted.map { sessions.lingering($0.record, id: $0.id, start: $0.start) }
    case .list(let cursor, let limit, let states, let scanning):
      batch.nextCursor = sessions.forEach(from: cursor, of: states, scanning: scanning) { session in
        batch.snapshots.append(session)
        return batch.snapshots.count < limit
      }
    case .neighbors(let cursor, let scanning):
      batch.nextCursor = router.cache.forEach(from: cursor, count: scanning, at: time) {
        batch.neighbors.append($0)
      }
    }
    reportEnded()
    publishSessions()
    batch.finish()
  }

  private mutating func forEach(
    of ids: [SessionID], _ batch: SessionBatch, _ body: (inout Worker, SessionID) -> SessionSnapshot?
  ) {
    batch.snapshots.reserveCapacity(ids.count)
    for id in ids.prefix(Self.lookahead) { sessions.prefetch(id) }
    for (position, id) in ids.enumerated() {
      if position + Self.lookahead < ids.count { sessions.prefetch(ids[position + Self.lookahead]) }
      batch.snapshots.append(body(&self, id))
      reportEnded()
    }
  }

  // MARK: Adding

  private mutating func add(
    _ requests: [SessionRequest], replacing: Bool, _ places: SessionBatch.Places, _ batch: SessionBatch
  ) {
    let keyed = requests.map { sessions.keyed($0) }
    switch places {
    case .each: break
    case .held(let count): sessions.heldPlaces = count
    case .together:
      guard let count = claimTogether(keyed, replacing: replacing, batch) else { return }
      sessions.heldPlaces = count
    }
    batch.outcomes.reserveCapacity(keyed.count)
    for request in keyed.prefix(Self.lookahead) { sessions.prefetch(request) }
    for position in keyed.indices {
      if position + Self.lookahead < keyed.count { sessions.prefetch(keyed[position + Self.lookahead]) }
      batch.outcomes.append(sessions.add(keyed[position], replacing: replacing, at: time))
      if sessions.ended.count > 0 { reportEnded() }
    }
    sessions.releaseHeldPlaces()
  }

  /// Claims places for all requests; when there are too few, for exactly those that need one.
  ///
  /// - Returns: how many; nil when there are too few even then, with the answers in the batch.
  private mutating func claimTogether(
    _ keyed: [KeyedRequest], replacing: Bool, _ batch: SessionBatch
  ) -> Int? {
    if sessions.claim(keyed.count) { return keyed.count }
    endDue()
    let plan = AdditionPlan()
    let outcomes = keyed.map { sessions.check($0, replacing: replacing, at: time, after: plan) }
    let needed = outcomes.count { $0 == .added }
    if sessions.claim(needed) { return needed }
    batch.isGranted = false
    batch.outcomes = zip(outcomes, keyed).map { ($0.0.whenFull, $0.1.request.id) }
    return nil
  }

  /// Ends every session whose time is over, as far as their reports find room.
  private mutating func endDue() {
    while !sessions.expire(at: time, isExact: true) {
      reportEnded()
      if sessions.ended.isNearlyFull { break }
    }
    reportEnded()
  }
}

extension AddOutcome {
  /// What becomes of a request with this outcome when there is not room for all, and so for none.
  package var whenFull: AddOutcome {
    switch self {
    case .added, .replaced, .tookOver, .tableFull: .tableFull
    case .alreadyExists, .tooManyPolicies, .unavailable: self
    }
  }
}

extension SessionTable {
  func keyed(_ request: SessionRequest) -> KeyedRequest { KeyedRequest(request, secret: secret) }

  /// Claims places for `count` sessions, all or none.
  func claim(_ count: Int) -> Bool { capacity.reserve(count) }

  mutating func releaseHeldPlaces() {
    if heldPlaces > 0 { capacity.release(heldPlaces) }
    heldPlaces = 0
  }

  /// Hints that a request is about to be applied.
  func prefetch(_ keyed: KeyedRequest) {
    _ = flows.prefetchBucket(keyed.key.hash)
    if keyed.request.id != .unassigned { ids.prefetch(keyed.request.id, secret: secret) }
  }

  /// Hints that a session is about to be looked up by its id.
  func prefetch(_ id: SessionID) {
    if id.rawValue & SessionID.serverBit == 0 { ids.prefetch(id, secret: secret) }
  }
}
