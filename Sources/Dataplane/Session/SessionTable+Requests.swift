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
}

extension SessionTable {
  /// The record of a live session by id; nil when there is none. A closed, lingering one does not count.
  package func record(of id: SessionID) -> UInt32? {
    guard let index = anyRecord(of: id), !flows.memory[index].state.isClosed else { return nil }
    return index
  }

  private func anyRecord(of id: SessionID) -> UInt32? {
    if id.rawValue & SessionID.serverBit == 0 { return ids.find(id, secret: secret, in: flows.memory) }
    let index = UInt32(truncatingIfNeeded: id.rawValue)
    guard flows.isTouched(index), flows.memory[index].kind != .none, flows.memory[detail: index].id == id
    else {
      return nil
    }
    return index
  }

  /// Adds, changes or takes over a session by request. `request` has been validated.
  ///
  /// - Parameter replacing: whether the same id and tuple may be changed in place.
  /// - Returns: the outcome, and the session's id when it was added or taken over.
  package mutating func add(
    _ request: SessionRequest, replacing: Bool, at time: PacketTime
  ) -> (outcome: AddOutcome, id: SessionID) {
    if request.id != .unassigned, let existing = record(of: request.id), deadline(existing) <= time {
      expire(existing)
    }
    var addresses6 = FlowAddresses6()
    let key = FlowKey(request.tuple, secret: secret, addresses6: &addresses6)
    if request.id != .unassigned, let sameID = record(of: request.id) {
      let isSame =
        replacing && flows.matches(sameID, key, addresses6) && isUnchanged(sameID, request, side: key.side)
      return isSame ? (setPolicy(sameID, request, at: time), request.id) : (.alreadyExists, request.id)
    }
    let collision = clearTuple(
      key, addresses6, inLIF: request.inLIF, outLIF: request.outLIF, side: key.side,
      besides: FlowTable.none, at: time)
    if collision == FlowTable.none { return open(request, key, addresses6, at: time) }
    // A learned session is taken over, if with the request's LIFs it is not in the way of a second one.
    guard flows.memory[collision].flags.contains(.isLearned),
      clearTuple(
        key, addresses6, inLIF: request.inLIF, outLIF: request.outLIF, side: key.side, besides: collision,
        at: time) == FlowTable.none
    else { return (.alreadyExists, request.id) }
    return takeOver(collision, request, side: key.side, at: time)
  }

  /// Finds a live session other than `known` in the way of a new one; lingering and expired ones are ended.
  mutating func clearTuple(
    _ key: FlowKey, _ addresses6: FlowAddresses6, inLIF: LIF, outLIF: LIF, side: UInt8,
    besides known: UInt32, at time: PacketTime
  ) -> UInt32 {
    while true {
      let found = flows.find(key, addresses6) {
        $0 != known && overlaps($0, inLIF, outLIF, side: side)
      }
      guard found != FlowTable.none else { return found }
      if flows.memory[found].state.isClosed {
        forget(found)
      } else if deadline(found) <= time {
        expire(found)
      } else {
        return found
      }
    }
  }

  /// Whether some packet could belong to both: the LIFs of each direction overlap.
  private func overlaps(_ index: UInt32, _ inLIF: LIF, _ outLIF: LIF, side: UInt8) -> Bool {
    let record = flows.memory[index]
    let policy = policies[record.policy]
    let isSameInitiator = (side != 0) == record.flags.contains(.initiatorIsHigh)
    let (other, back) = isSameInitiator ? (policy.inLIF, policy.outLIF) : (policy.outLIF, policy.inLIF)
    return other.overlaps(inLIF) || back.overlaps(outLIF)
  }

  private func isUnchanged(_ index: UInt32, _ request: SessionRequest, side: UInt8) -> Bool {
    let record = flows.memory[index]
    let policy = policies[record.policy]
    return (side != 0) == record.flags.contains(.initiatorIsHigh)
      && policy.inLIF == request.inLIF && policy.outLIF == request.outLIF
  }

  private mutating func open(
    _ request: SessionRequest, _ key: FlowKey, _ addresses6: FlowAddresses6, at time: PacketTime
  ) -> (AddOutcome, SessionID) {
    guard let policy = policies.acquire(SessionPolicy(request, timeouts: timeouts)) else {
      return (.tooManyPolicies, request.id)
    }
    guard reserve(at: time) else {
      policies.release(policy)
      return (.tableFull, request.id)
    }
    let index = insert(key, addresses6, at: time)
    guard index != FlowTable.none else {
      capacity.release()
      policies.release(policy)
      return (.tableFull, request.id)
    }
    let id = request.id == .unassigned ? nextServerID(index) : request.id
    start(
      index, policy: policy, isLearned: false, initiatorIsHigh: key.side != 0, state: .established,
      id: id, at: time)
    if request.id != .unassigned { ids.insert(index, secret: secret, in: flows.memory) }
    return (.added, id)
  }

  private mutating func takeOver(
    _ index: UInt32, _ request: SessionRequest, side: UInt8, at time: PacketTime
  ) -> (AddOutcome, SessionID) {
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
    guard request.id != .unassigned else { return (.tookOver, flows.memory[detail: index].id) }
    flows.memory[detail: index].id = request.id
    ids.insert(index, secret: secret, in: flows.memory)
    return (.tookOver, request.id)
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
