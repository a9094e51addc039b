import Synchronization

/// One worker's sessions: the flow table with ids, policies, timers and the list of those that linger.
///
/// Owned by one worker; other threads ask the worker. Pure: time is an argument.
package struct SessionTable: ~Copyable {
  package var flows: FlowTable
  package var policies: SessionPolicyTable
  var wheel: TimerWheel
  let ids: SessionIDIndex
  /// The file where records, details, addresses and policies lie; nil in memory alone.
  let shard: ShardMapping?
  /// What came back from a file.
  package internal(set) var restored = RestoreCounts()
  package let secret: FlowSecret
  /// Of sessions that are opened from now on.
  package internal(set) var timeouts: Timeouts
  let capacity: SessionCapacity
  /// Which worker this is, for the ids it assigns.
  let worker: UInt32
  var idSequence: UInt64 = 0

  /// Places among the live sessions that were claimed for the batch of requests in hand.
  var heldPlaces = 0

  /// Sessions neither closed nor free.
  package internal(set) var live = 0
  /// Closed sessions that still count late packets.
  package internal(set) var lingering = 0
  var lingerFirst = FlowTable.none
  var lingerLast = FlowTable.none

  /// Sessions that ended for good, to be taken by the worker; kept only when `isReporting`.
  package var ended: EndedSessions
  package var totals = SessionTotals()

  /// - Parameters:
  ///   - recordCount: sessions this worker can hold, lingering ones included.
  ///   - isReporting: whether ended sessions are kept for the worker to pass on.
  ///   - shard: where they lie, if in a file; `restore` brings back what is there.
  /// - Returns: nil when the kernel has no address space for it.
  package init?(
    recordCount: UInt32, worker: UInt32, capacity: SessionCapacity, secret: FlowSecret, timeouts: Timeouts,
    isReporting: Bool, at time: PacketTime, shard: ShardMapping? = nil
  ) {
    guard let flows = FlowTable(recordCount: recordCount, shard: shard),
      let policies = SessionPolicyTable(shard: shard),
      let ids = SessionIDIndex(recordCount: recordCount)
    else { return nil }
    self.flows = flows
    self.policies = policies
    self.ids = ids
    self.shard = shard
    self.secret = secret
    self.timeouts = timeouts
    self.capacity = capacity
    self.worker = worker
    wheel = TimerWheel(at: time)
    ended = EndedSessions(isKeeping: isReporting)
  }

  /// Whether a packet on `arrival` from `side` belongs to record `index`, whose tuple it has.
  @inline(__always)
  package func accepts(_ index: UInt32, arrival: LIF, side: UInt8) -> Bool {
    let record = flows.memory[index]
    let policy = policies[record.policy]
    let isFromInitiator = (side != 0) == record.flags.contains(.initiatorIsHigh)
    return (isFromInitiator ? policy.inLIF : policy.outLIF).accepts(arrival)
  }

  /// The record of a packet's session; `FlowTable.none` when it has none. Expired sessions are found too.
  @inline(__always)
  package func find(_ packet: SessionPacket, _ addresses6: FlowAddresses6) -> UInt32 {
    flows.find(packet.key, addresses6) { accepts($0, arrival: packet.lif, side: packet.key.side) }
  }

  /// When record `index` ends if no packet comes.
  @inline(__always) package func deadline(_ index: UInt32) -> PacketTime {
    let record = flows.memory[index]
    return PacketTime(nanoseconds: record.lastSeen).advanced(
      by: policies[record.policy].timeout(in: record.state))
  }

  // MARK: Opening

  /// Opens a session from a packet that has none (miss policy `learn`).
  ///
  /// - Parameter policy: index of the learned policy, which the caller keeps acquired.
  /// - Returns: the record, the packet not yet counted; `FlowTable.none` when there is no room, or when a
  ///   live session of the tuple on other LIFs would overlap with it.
  package mutating func learn(
    _ packet: SessionPacket, _ addresses6: FlowAddresses6, policy: UInt32
  ) -> UInt32 {
    // Of sessions that overlap chance would decide which one a packet meets.
    let lifs = SessionLIFs(
      inLIF: policies[policy].inLIF, outLIF: policies[policy].outLIF, side: packet.key.side)
    guard isFree(packet.key, addresses6, lifs, at: packet.time), reserve(at: packet.time) else {
      return FlowTable.none
    }
    let index = insert(packet.key, addresses6, at: packet.time)
    guard index != FlowTable.none else {
      capacity.release()
      return FlowTable.none
    }
    policies.retain(policy)
    // Of a handshake that begins with its SYN/ACK too little is seen to tell when it completes.
    let isHandshake = packet.flags.contains(.syn) && !packet.flags.contains(.ack)
    start(
      index, policy: policy, isLearned: true, initiatorIsHigh: packet.key.side != 0,
      state: isHandshake ? .synSent : .established, id: nextServerID(index), at: packet.time)
    return index
  }

  /// Claims a place among the live sessions; when all are taken, expired ones make room first.
  mutating func reserve(at time: PacketTime) -> Bool {
    if heldPlaces > 0 {
      heldPlaces -= 1
      return true
    }
    if capacity.reserve() { return true }
    makeRoom(at: time)
    return capacity.reserve()
  }

  /// Takes a record; when all are taken, expired sessions give up theirs, or else the one that lingers
  /// longest.
  mutating func insert(_ key: FlowKey, _ addresses6: FlowAddresses6, at time: PacketTime) -> UInt32 {
    let index = flows.insert(key, addresses6)
    if index != FlowTable.none { return index }
    makeRoom(at: time)
    if flows.count == flows.recordCount, lingerFirst != FlowTable.none { forget(lingerFirst) }
    return flows.insert(key, addresses6)
  }

  /// Ends what is over, exactly once a timer tick: in a full table each new flow asks.
  private mutating func makeRoom(at time: PacketTime) { expire(at: time, isExact: !wheel.isAhead(of: time)) }

  mutating func start(
    _ index: UInt32, policy: UInt32, isLearned: Bool, initiatorIsHigh: Bool, state: TrackState,
    id: SessionID, at time: PacketTime
  ) {
    flows.memory[index].policy = policy
    flows.memory[index].lastSeen = time.nanoseconds
    flows.memory[index].state = state
    var flags: SessionFlags = initiatorIsHigh ? .initiatorIsHigh : []
    if isLearned { flags.insert(.isLearned) }
    // Without acknowledgements there are none to wait for: `FlowFastPath` takes UDP at once.
    if !flows.memory[index].kind.isTCP { flags.formUnion([.lowAcked, .highAcked]) }
    flows.memory[index].flags = flags
    var detail = SessionDetail.empty
    detail.id = id
    detail.start = time.nanoseconds
    flows.memory[detail: index] = detail
    wheel.arm(index, at: deadline(index), in: flows.memory)
    flows.commit(index)
    live += 1
    totals.opened += 1
    announce(.opened, index)
  }

  /// Reports that a session opened or changed, where somebody looks on.
  mutating func announce(_ kind: SessionEvent.Kind, _ index: UInt32) {
    guard ended.interest.contains(.openings) else { return }
    ended.append(SessionEvent(kind, record: index, snapshot(index)))
  }

  /// An id of the server's range that leads back to its record without a lookup.
  mutating func nextServerID(_ index: UInt32) -> SessionID {
    idSequence &+= 1
    shard?.marks.noteIDs(UInt32(truncatingIfNeeded: idSequence))
    return SessionID(
      SessionID.serverBit | UInt64(worker & 63) << 56 | (idSequence & 0xFF_FFFF) << 32 | UInt64(index))
  }

  // MARK: Ending

  /// Closes a live session: it lingers from `time` on.
  mutating func close(_ index: UInt32, _ code: CloseCode, at time: PacketTime) {
    flows.memory[index].lastSeen = time.nanoseconds
    if code == .reset { flows.memory[index].flags.insert(.closedByReset) }
    // A process killed here leaves a session that is open, or one whose end is known.
    atomicMemoryFence(ordering: .releasing)
    flows.memory[index].state = .closed
    totals.count(code)
    live -= 1
    capacity.release()
    lingering += 1
    linkLingering(index)
    // Its id is free again: Get and Delete mean live sessions.
    dropID(index)
    rearm(index)
  }

  /// Tells that a session has closed and lingers, where somebody wants to know. Apart, since a snapshot
  /// makes the compiler copy the table's descriptor.
  @inline(never)
  mutating func noteClosing(_ index: UInt32) {
    guard ended.interest.contains(.closings) else { return }
    ended.append(SessionEvent(.closed, record: index, snapshot(index)))
  }

  /// Arms the timer anew after a state change made the deadline earlier.
  mutating func rearm(_ index: UInt32) {
    wheel.disarm(index, in: flows.memory)
    wheel.arm(index, at: deadline(index), in: flows.memory)
  }

  /// Ends a live session now: counts and reports it, frees its record.
  mutating func end(_ index: UInt32, _ code: CloseCode, at time: PacketTime) {
    totals.count(code)
    live -= 1
    capacity.release()
    if ended.isKeeping {
      ended.append(SessionEvent(.ended, record: index, snapshot(index, ending: code, at: time)))
    }
    free(index)
  }

  /// Ends the lingering of a closed session: reports it with its late packets, frees its record.
  package mutating func forget(_ index: UInt32) {
    if ended.isKeeping { ended.append(SessionEvent(.forgotten, record: index, snapshot(index))) }
    unlinkLingering(index)
    lingering -= 1
    free(index)
  }

  /// Ends record `index`, whose deadline has passed.
  package mutating func expire(_ index: UInt32) {
    if flows.memory[index].state.isClosed { forget(index) } else { end(index, .timeout, at: deadline(index)) }
  }

  /// Whether `expire` would find anything: a timer tick has passed since it last looked.
  package func isExpiryDue(at time: PacketTime) -> Bool { wheel.isDue(time) || ended.isNearlyFull }

  /// Whether record `index` has been idle for its timeout at `time`.
  @inline(__always) package func isExpired(_ index: UInt32, at time: PacketTime) -> Bool {
    let record = flows.memory[index]
    // Signed: a packet that another worker handed over may be older than the last one.
    let idle = Int64(bitPattern: time.nanoseconds &- record.lastSeen)
    return idle >= Int64(bitPattern: policies[record.policy].timeout(in: record.state))
  }

  /// Ends what is due at `time`, in steps when ended sessions are reported: the worker takes them and asks
  /// again.
  ///
  /// - Parameter isExact: also what became due within the timer wheel's present tick.
  /// - Returns: whether everything due was looked at.
  @discardableResult
  package mutating func expire(at time: PacketTime, isExact: Bool = false) -> Bool {
    let limit = isExact ? wheel.ahead(of: time) : time
    while !ended.isNearlyFull {
      guard let index = wheel.popDue(at: limit, in: flows.memory) else { return true }
      let deadline = deadline(index)
      if deadline <= time {
        expire(index)
      } else {
        wheel.arm(index, at: deadline, in: flows.memory)
      }
    }
    return false
  }

  private mutating func free(_ index: UInt32) {
    flows.retract(index)
    wheel.disarm(index, in: flows.memory)
    if !flows.memory[index].state.isClosed { dropID(index) }
    policies.release(flows.memory[index].policy)
    let record = flows.memory[index]
    flows.remove(
      index, hash: secret.hash(addresses: record.addresses, ports: record.ports, kind: record.kind))
  }

  func dropID(_ index: UInt32) {
    guard !isAtHome(flows.memory[detail: index].id, index) else { return }
    ids.remove(index, secret: secret, in: flows.memory)
  }

  // MARK: Lingering, oldest first

  mutating func linkLingering(_ index: UInt32) {
    flows.memory[detail: index].lingerNext = FlowTable.none
    flows.memory[detail: index].lingerPrevious = lingerLast
    if lingerLast == FlowTable.none {
      lingerFirst = index
    } else {
      flows.memory[detail: lingerLast].lingerNext = index
    }
    lingerLast = index
  }

  private mutating func unlinkLingering(_ index: UInt32) {
    let detail = flows.memory[detail: index]
    if detail.lingerPrevious == FlowTable.none {
      lingerFirst = detail.lingerNext
    } else {
      flows.memory[detail: detail.lingerPrevious].lingerNext = detail.lingerNext
    }
    if detail.lingerNext == FlowTable.none {
      lingerLast = detail.lingerPrevious
    } else {
      flows.memory[detail: detail.lingerNext].lingerPrevious = detail.lingerPrevious
    }
  }
}
