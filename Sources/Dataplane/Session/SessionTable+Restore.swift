/// Warm restart (docs/decisions/0013): one scan over what lies in files makes everything else anew.
extension SessionTable {
  /// A worker's, with what comes back from files.
  static func restored(
    _ setup: WorkerSetup, worker: Int, isReporting: Bool
  ) throws(WorkerError) -> SessionTable {
    let made = SessionTable(
      recordCount: setup.recordsPerWorker, worker: UInt32(worker), capacity: setup.capacity,
      secret: setup.secret, timeouts: setup.timeouts, isReporting: isReporting, at: setup.start,
      shard: setup.shards.isEmpty ? nil : setup.shards[worker])
    guard var table = made else { throw .outOfMemory }
    try table.restore(from: setup.stored)
    return table
  }

  /// Records that are looked at together: the memory of all is asked for before the first is used.
  private static let stride = 32

  /// Brings back the sessions of this table's file, and those of `stored` that it owns. Once, in a fresh
  /// table, before anything is added or any policy acquired.
  ///
  /// - Parameter stored: shards of another number of workers or capacity.
  /// - Throws: `.noRoomForStored`.
  package mutating func restore(from stored: [ShardMapping]) throws(WorkerError) {
    guard let shard else { return }
    var closed: [UInt32] = []
    if shard.isOld { adoptAll(of: shard, &closed) }
    if !stored.isEmpty {
      idSequence = UInt64(stored.map(Self.lastID).max() ?? 0)
      // Live ones first: others that find no room are left behind.
      for standing in StoredSessions.Standing.allCases {
        for old in stored { try takeAll(of: old, standing, into: shard, &closed) }
      }
    }
    shard.marks.noteIDs(UInt32(truncatingIfNeeded: idSequence))
    closed.sort { flows.memory[$0].lastSeen < flows.memory[$1].lastSeen }
    for index in closed { linkLingering(index) }
    restored.live = live
    restored.lingering = lingering
    capacity.claimRestored(live)
  }

  /// The last id assigned as the file says it; where that is damaged, one far behind all that there are.
  private static func lastID(of shard: ShardMapping) -> UInt32 {
    shard.marks.lastID ?? 1 << 22
  }

  // MARK: The table's own file

  private mutating func adoptAll(of shard: ShardMapping, _ closed: inout [UInt32]) {
    let (low, high) = shard.fresh
    shard.populate()
    flows.resume(low: low, high: high)
    idSequence = UInt64(Self.lastID(of: shard))
    let now = wheel.start
    var found: [(index: UInt32, hash: FlowHash)] = []
    found.reserveCapacity(Self.stride)
    var next: UInt32 = 0
    while let first = flows.firstTouched(from: next) {
      found.removeAll(keepingCapacity: true)
      var index = first
      let end = min(first < low ? low : flows.recordCount, first.advanced(by: Self.stride, limit: .max))
      while index < end {
        // Of the next ones: those of this group were asked for with the one before.
        flows.memory.prefetchSession(index &+ UInt32(Self.stride))
        if let hash = flows.memory.storedHash(index, shard.header, at: now) {
          found.append((index, hash))
          _ = flows.prefetchBucket(hash)
          let id = flows.memory[detail: index].id
          if !isAtHome(id, index) { ids.prefetch(id, secret: secret) }
        } else {
          if flows.memory.isInUse(index) { restored.discarded += 1 }
          flows.discard(index)
        }
        index += 1
      }
      for (index, _) in found {
        let id = flows.memory[detail: index].id
        if !isAtHome(id, index) { ids.prefetchRun(of: id, secret: secret, in: flows.memory) }
      }
      for (index, hash) in found where !adopt(index, hash, &closed) {
        restored.discarded += 1
        flows.discard(index)
      }
      next = end
    }
    policies.endAdopting()
  }

  /// - Returns: false when its id is another's, or its policy none.
  private mutating func adopt(_ index: UInt32, _ hash: FlowHash, _ closed: inout [UInt32]) -> Bool {
    flows.memory[detail: index].slot = TimerWheel.unarmed
    guard enterID(index) else { return false }
    guard let policy = policies.adopt(flows.memory[index].policy) else {
      if !flows.memory[index].state.isClosed { dropID(index) }
      return false
    }
    flows.memory[index].policy = policy
    flows.adopt(index, hash)
    settle(index, &closed)
    return true
  }

  /// Puts the id of a live session into the index, if it does not lead to the record by itself.
  private mutating func enterID(_ index: UInt32) -> Bool {
    let id = flows.memory[detail: index].id
    guard !flows.memory[index].state.isClosed, !isAtHome(id, index) else { return true }
    guard ids.insertIfAbsent(index, secret: secret, in: flows.memory) else { return false }
    if id.rawValue & SessionID.serverBit != 0 { restored.hasMovedIDs = true }
    return true
  }

  /// Counts a session that is back, and arms its timer.
  private mutating func settle(_ index: UInt32, _ closed: inout [UInt32]) {
    wheel.arm(index, at: deadline(index), in: flows.memory)
    totals.opened += 1
    if flows.memory[index].state.isClosed {
      closed.append(index)
      lingering += 1
      totals.count(flows.memory[index].flags.contains(.closedByReset) ? CloseCode.reset : .finACK)
    } else {
      live += 1
    }
  }

  // MARK: Shards of another size or number

  private mutating func takeAll(
    of old: ShardMapping, _ standing: StoredSessions.Standing, into shard: ShardMapping,
    _ closed: inout [UInt32]
  ) throws(WorkerError) {
    let now = wheel.start
    guard let sessions = StoredSessions(old) else { throw .outOfMemory }
    var failure: WorkerError?
    sessions.forEach(at: now) { index, hash in
      guard failure == nil, hash.worker(of: shard.header.workers) == shard.header.worker,
        sessions.standing(index, at: now) == standing
      else { return }
      failure = take(index, hash, of: sessions, needsRoom: standing == .live, &closed)
    }
    if let failure { throw failure }
    if standing == .closed, worker == 0 { restored.discarded += sessions.countDamaged(at: now) }
  }

  private mutating func take(
    _ old: UInt32, _ hash: FlowHash, of sessions: borrowing StoredSessions, needsRoom: Bool,
    _ closed: inout [UInt32]
  ) -> WorkerError? {
    let stored = sessions[old]
    guard let policy = sessions.policy(stored.record.policy).flatMap({ policies.acquire($0) }) else {
      restored.discarded += 1
      return nil
    }
    let key = FlowKey(
      addresses: stored.record.addresses, ports: stored.record.ports, kind: stored.record.kind, side: 0,
      hash: hash)
    let index = flows.insert(key, stored.addresses6)
    guard index != FlowTable.none else {
      policies.release(policy)
      if needsRoom { return .noRoomForStored }
      restored.left += 1
      return nil
    }
    var (record, detail) = (stored.record, stored.detail)
    record.policy = policy
    detail.mark = 0
    detail.slot = TimerWheel.unarmed
    flows.memory[index] = record
    flows.memory[detail: index] = detail
    guard enterID(index) else {
      restored.discarded += 1
      policies.release(policy)
      flows.remove(index, hash: hash)
      return nil
    }
    settle(index, &closed)
    flows.commit(index)
    return nil
  }
}

extension UInt32 {
  fileprivate func advanced(by count: Int, limit: UInt32) -> UInt32 {
    let (sum, overflow) = addingReportingOverflow(UInt32(count))
    return overflow ? limit : sum
  }
}
