/// What became of one request to add a session.
/// `opi.security.firewall.v1.AddSessionStatus` has no more detail.
public enum AddOutcome: UInt8, Equatable, Sendable, BitwiseCopyable {
  case added
  /// Same id and tuple, with `replacing`: action and timeout changed in place.
  case replaced
  /// A learned session of the tuple was taken over: new id, action and timeout; counters and TCP state stay.
  case tookOver
  /// The id or the tuple, in either orientation and on overlapping LIFs, is in use.
  case alreadyExists
  case tableFull
  /// More distinct combinations of LIFs, action, next hop and timeouts than a worker keeps.
  case tooManyPolicies
  /// Nobody carried it out: the service ended before.
  case unavailable
}

extension SessionTable {
  /// The record of a live session by id; nil when there is none. A closed, lingering one does not count.
  package func record(of id: SessionID) -> UInt32? {
    guard let index = anyRecord(of: id), !flows.memory[index].state.isClosed else { return nil }
    return index
  }

  private func anyRecord(of id: SessionID) -> UInt32? {
    let index = UInt32(truncatingIfNeeded: id.rawValue)
    if isAtHome(id, index), flows.isTouched(index), flows.memory[index].kind != .none,
      flows.memory[detail: index].id == id
    {
      return index
    }
    guard id.rawValue & SessionID.serverBit == 0 || restored.hasMovedIDs else { return nil }
    return ids.find(id, secret: secret, in: flows.memory)
  }

  /// Whether `id` is one of ours that leads to record `index` by itself, as all do that were assigned here.
  /// Those of sessions that came from another table do not; they are in the index with clients' ids.
  func isAtHome(_ id: SessionID, _ index: UInt32) -> Bool {
    id.rawValue & (SessionID.serverBit | 63 << 56 | 0xFFFF_FFFF)
      == SessionID.serverBit | UInt64(worker & 63) << 56 | UInt64(index)
  }

  /// Adds, changes or takes over a session by request. `request` has been validated.
  ///
  /// - Parameter replacing: whether the same id and tuple may be changed in place.
  /// - Returns: the outcome, and the session's id when it was added or taken over.
  package mutating func add(
    _ request: SessionRequest, replacing: Bool, at time: PacketTime
  ) -> (outcome: AddOutcome, id: SessionID) {
    add(KeyedRequest(request, secret: secret), replacing: replacing, at: time)
  }

  /// The same with its key known.
  mutating func add(
    _ keyed: KeyedRequest, replacing: Bool, at time: PacketTime
  ) -> (outcome: AddOutcome, id: SessionID) {
    let request = keyed.request
    switch decision(on: keyed, replacing: replacing, at: time) {
    case .refuse: return (.alreadyExists, request.id)
    case .replace(let index):
      let outcome = setPolicy(index, request, at: time)
      if outcome == .replaced { announce(.changed, index) }
      return (outcome, request.id)
    case .takeOver(let index):
      clear(keyed, at: time)
      return takeOver(index, request, side: keyed.key.side, at: time)
    case .open:
      clear(keyed, at: time)
      return open(keyed, at: time)
    }
  }

  /// What is to be done about a request.
  enum Decision {
    case open
    case replace(UInt32)
    case takeOver(UInt32)
    /// Its id or tuple is in use.
    case refuse
  }

  /// Decides about a request, in view of the live sessions; changes nothing.
  ///
  /// - Parameter plan: requests that are as good as carried out; nil when there are none.
  func decision(
    on keyed: KeyedRequest, replacing: Bool, at time: PacketTime, after plan: AdditionPlan? = nil
  ) -> Decision {
    let id = keyed.request.id
    if id != .unassigned {
      if let sameID = record(of: id), isLive(sameID, at: time) {
        let isSame = flows.matches(sameID, keyed.key, keyed.addresses6) && lifs(sameID) == keyed.lifs
        return replacing && isSame ? .replace(sameID) : .refuse
      }
      if let planned = plan?.request(of: id) {
        let isSame = keyed.hasTuple(of: planned) && keyed.lifs == planned.lifs
        // Which record it will have does not matter to a plan.
        return replacing && isSame ? .replace(FlowTable.none) : .refuse
      }
    }
    if plan?.collides(with: keyed) == true { return .refuse }
    let taken = plan?.takenOver ?? []
    let collision = liveCollision(with: keyed, at: time) { !taken.contains($0) }
    if collision == FlowTable.none { return .open }
    // A learned session is taken over, if with the request's LIFs it is not in the way of a second one.
    let isAlone =
      liveCollision(with: keyed, at: time) { $0 != collision && !taken.contains($0) } == FlowTable.none
    return isAlone && flows.memory[collision].flags.contains(.isLearned) ? .takeOver(collision) : .refuse
  }

  /// Whether record `index` in use stands for a live session: not lingering, not over.
  private func isLive(_ index: UInt32, at time: PacketTime) -> Bool {
    !flows.memory[index].state.isClosed && deadline(index) > time
  }

  private func liveCollision(
    with keyed: KeyedRequest, at time: PacketTime, where accept: (UInt32) -> Bool
  ) -> UInt32 {
    flows.find(keyed.key, keyed.addresses6) {
      isLive($0, at: time) && lifs($0).overlaps(keyed.lifs) && accept($0)
    }
  }

  /// Whether no live session of the tuple overlaps with `lifs`; lingering and expired ones in the way end.
  mutating func isFree(
    _ key: FlowKey, _ addresses6: FlowAddresses6, _ lifs: SessionLIFs, at time: PacketTime
  ) -> Bool {
    clear(key, addresses6, lifs, at: time)
    return flows.find(key, addresses6) { self.lifs($0).overlaps(lifs) } == FlowTable.none
  }

  /// Ends what is in a request's way and no longer live.
  private mutating func clear(_ keyed: KeyedRequest, at time: PacketTime) {
    let id = keyed.request.id
    if id != .unassigned, let dead = record(of: id), !isLive(dead, at: time) { expire(dead) }
    clear(keyed.key, keyed.addresses6, keyed.lifs, at: time)
  }

  private mutating func clear(
    _ key: FlowKey, _ addresses6: FlowAddresses6, _ lifs: SessionLIFs, at time: PacketTime
  ) {
    while true {
      let dead = flows.find(key, addresses6) { !isLive($0, at: time) && self.lifs($0).overlaps(lifs) }
      if dead == FlowTable.none { return }
      // Expires or, if it lingers, is forgotten.
      expire(dead)
    }
  }

  /// Where packets of session `index` arrive.
  private func lifs(_ index: UInt32) -> SessionLIFs {
    let record = flows.memory[index]
    let policy = policies[record.policy]
    return SessionLIFs(
      inLIF: policy.inLIF, outLIF: policy.outLIF, side: record.flags.contains(.initiatorIsHigh) ? 1 : 0)
  }

  private mutating func open(_ keyed: KeyedRequest, at time: PacketTime) -> (AddOutcome, SessionID) {
    let request = keyed.request
    guard let policy = policies.acquire(SessionPolicy(request, timeouts: timeouts)) else {
      return (.tooManyPolicies, request.id)
    }
    guard reserve(at: time) else {
      policies.release(policy)
      return (.tableFull, request.id)
    }
    let index = insert(keyed.key, keyed.addresses6, at: time)
    guard index != FlowTable.none else {
      capacity.release()
      policies.release(policy)
      return (.tableFull, request.id)
    }
    let id = request.id == .unassigned ? nextServerID(index) : request.id
    start(
      index, policy: policy, isLearned: false, initiatorIsHigh: keyed.key.side != 0, state: .established,
      id: id, at: time)
    if request.id != .unassigned { ids.insert(index, secret: secret, in: flows.memory) }
    return (.added, id)
  }

  private mutating func takeOver(
    _ index: UInt32, _ request: SessionRequest, side: UInt8, at time: PacketTime
  ) -> (AddOutcome, SessionID) {
    // It is another session to whoever asked: a process killed amid this leaves neither behind.
    flows.retract(index)
    defer { flows.commit(index) }
    let outcome = setPolicy(index, request, at: time)
    guard outcome == .replaced else { return (outcome, request.id) }
    flows.memory[index].flags.remove(.isLearned)
    let wasHigh = flows.memory[index].flags.contains(.initiatorIsHigh)
    // The request says who the initiator is; in* and out* follow it.
    if wasHigh != (side != 0) {
      if side != 0 {
        flows.memory[index].flags.insert(.initiatorIsHigh)
      } else {
        flows.memory[index].flags.remove(.initiatorIsHigh)
      }
    }
    if request.id != .unassigned {
      dropID(index)
      flows.memory[detail: index].id = request.id
      ids.insert(index, secret: secret, in: flows.memory)
    }
    announce(.changed, index)
    return (.tookOver, flows.memory[detail: index].id)
  }

  /// Gives session `index` the request's LIFs, action and timeouts; its counters and state stay.
  private mutating func setPolicy(
    _ index: UInt32, _ request: SessionRequest, at time: PacketTime
  ) -> AddOutcome {
    guard let policy = policies.acquire(SessionPolicy(request, timeouts: timeouts)) else {
      return .tooManyPolicies
    }
    policies.release(flows.memory[index].policy)
    flows.memory[index].policy = policy
    // A session that was idle for longer than its new timeout is not over before the request: it starts anew.
    if deadline(index) <= time { flows.memory[index].lastSeen = time.nanoseconds }
    rearm(index)
    return .replaced
  }

  /// Removes a live session.
  ///
  /// - Returns: its final state, closed at `time` without a close code; nil when there is no live session
  ///   `id`.
  package mutating func delete(_ id: SessionID, at time: PacketTime) -> SessionSnapshot? {
    guard let index = record(of: id) else { return nil }
    if deadline(index) <= time {
      expire(index)
      return nil
    }
    let last = snapshot(index, ending: .notClosed, at: time)
    end(index, .notClosed, at: time)
    return last
  }

  /// A live session by id, as it is at `time`.
  package mutating func find(_ id: SessionID, at time: PacketTime) -> SessionSnapshot? {
    guard let index = record(of: id) else { return nil }
    if deadline(index) <= time {
      expire(index)
      return nil
    }
    return snapshot(index)
  }
}
