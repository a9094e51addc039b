import Dataplane

/// Requests by id and tuple.
extension ModelDriver {
  private func clientID() -> SessionID { SessionID(UInt64(random.below(tupleCount) + 1)) }

  func addSession() {
    var tuple = randomTuple()
    var lifs =
      random.oneIn(4)
      ? [.any, .any] : [Self.wildcards[random.below(6)], Self.wildcards[random.below(6)]]
    var id = random.oneIn(8) ? .unassigned : clientID()
    // Often the same again.
    if random.oneIn(4), let index = indices(of: tuple).first, let session = sessions[index],
      !session.isLearned
    {
      id = session.id.rawValue & SessionID.serverBit == 0 ? session.id : id
      tuple = session.initiator == 0 ? session.tuple : session.tuple.swapped
      lifs = [session.lifs[session.initiator], session.lifs[1 - session.initiator]]
    }
    let timeout = [0, 1, 5, 15, 60, 300][random.below(6)]
    let request = SessionRequest(
      id: id, inLIF: lifs[0], outLIF: lifs[1], tuple: tuple, action: random.oneIn(2) ? .drop : .forward,
      cacheTimeout: UInt32(timeout))
    let replacing = random.oneIn(2)
    operation = "add \(request) replacing \(replacing)"
    let now = bench.now
    let inTheWay = indices(of: tuple).filter { index in
      guard let session = sessions[index], let end = session.end(of: tuple) else { return false }
      return session.lifs[end].overlaps(lifs[0]) || session.lifs[1 - end].overlaps(lifs[1])
    }
    let colliding = inTheWay.filter { index in
      sessions[index].map { !$0.isClosed && !$0.isOver(at: now) } ?? false
    }
    let named = sessions.first {
      $0.value.id == request.id && !$0.value.isClosed && !$0.value.isOver(at: now)
    }
    let (outcome, given) = bench.table.add(request, replacing: replacing, at: bench.time)
    settle(mayEvict: { inTheWay.contains($0) || outcome == .added || outcome == .tableFull })
    count("\(outcome)")
    if let named {
      return replace(named.key, named.value, request, replacing, outcome)
    }
    if !colliding.isEmpty {
      if colliding.count == 1, sessions[colliding[0]]?.isLearned == true {
        guard outcome == .tookOver else { return fail("\(outcome), should take over") }
        return takeOver(colliding[0], request, given)
      }
      return outcome == .alreadyExists ? () : fail("\(outcome), should be in the way")
    }
    if outcome == .tableFull { return checkFull("refused") }
    guard outcome == .added, let index = bench.table.record(of: given) else {
      return fail("\(outcome), should be added")
    }
    let isRightID = id == .unassigned ? given.rawValue & SessionID.serverBit != 0 : given == id
    if !isRightID { fail("added as \(given)") }
    let idle = UInt64(timeout == 0 ? 10 : timeout)
    insert(
      ModelSession(
        id: given, tuple: tuple, lifs: lifs, action: request.action, isLearned: false, state: .established,
        start: now, lastSeen: now, idle: idle, handshake: idle), index)
  }

  private func replace(
    _ index: UInt32, _ session: ModelSession, _ request: SessionRequest, _ replacing: Bool,
    _ outcome: AddOutcome
  ) {
    guard let end = session.end(of: request.tuple) else {
      return outcome == .alreadyExists ? () : fail("\(outcome), the id is another tuple's")
    }
    let isSame =
      end == session.initiator && session.lifs[end] == request.inLIF
      && session.lifs[1 - end] == request.outLIF
    guard outcome == (replacing && isSame ? .replaced : .alreadyExists) else {
      return fail("\(outcome), same \(isSame)")
    }
    if outcome == .replaced { setPolicy(index, request) }
  }

  private func takeOver(_ index: UInt32, _ request: SessionRequest, _ id: SessionID) {
    guard var session = sessions[index], let end = session.end(of: request.tuple) else { return }
    if id != (request.id == .unassigned ? session.id : request.id) { fail("taken over as \(id)") }
    session.id = id
    session.isLearned = false
    session.initiator = end
    session.lifs[end] = request.inLIF
    session.lifs[1 - end] = request.outLIF
    sessions[index] = session
    setPolicy(index, request)
  }

  private func setPolicy(_ index: UInt32, _ request: SessionRequest) {
    let idle = UInt64(request.cacheTimeout == 0 ? 10 : request.cacheTimeout)
    sessions[index]?.action = request.action
    sessions[index]?.idle = idle
    sessions[index]?.handshake = idle
    // A request never ends a session.
    if sessions[index]?.isOver(at: bench.now) == true { sessions[index]?.lastSeen = bench.now }
  }

  func findSession(deleting: Bool) {
    let server = random.oneIn(3) ? sessions[UInt32(random.below(records))]?.id : nil
    let id = server ?? clientID()
    operation = "\(deleting ? "delete" : "find") \(id)"
    let known = sessions.first { $0.value.id == id && !$0.value.isClosed && !$0.value.isOver(at: bench.now) }
    let expected = known?.value.seen(ending: deleting ? (.notClosed, bench.now) : nil)
    if deleting, let known {
      due.append(known.value.seen(ending: (.notClosed, bench.now)))
      remove(known.key)
      count("deleted")
    }
    let found = deleting ? bench.delete(id.rawValue) : bench.find(id.rawValue)
    if found.map(SeenSession.init) != expected {
      fail("\(String(describing: found)), not \(String(describing: expected))")
    }
  }
}
