extension Worker {
  /// Decides about each flow packet in order of arrival: earlier ones may open or close what later ones meet.
  @inline(never)
  mutating func decide() {
    let insertions = sessions.flows.insertions
    var ordinary = 0
    var position = 0
    while true {
      let next = sessions.forward(&flows, from: position, peers: peers, verdicts: outcome.verdicts)
      ordinary &+= next &- position
      if next == flows.count { break }
      let verdict = decide(next, insertionsAtProbe: insertions)
      if verdict.kind == .forward { tally.forwarded += 1 }
      outcome.verdicts[Int(flows.packets[next].index)] = verdict
      position = next &+ 1
    }
    tally.forwarded += ordinary
    tally.matched += UInt64(truncatingIfNeeded: ordinary)
  }

  /// The long way: any packet, any session, or none. Packets go by their position in `flows` from here on.
  @inline(never)
  private mutating func decide(_ position: Int, insertionsAtProbe: UInt64) -> Verdict {
    flows.packets[position].complete()
    let record = resolve(position, insertionsAtProbe: insertionsAtProbe)
    if flows.packets[position].isICMPError { return follow(quoted: record, position) }
    return record == FlowTable.none ? miss(position) : hit(position, record)
  }

  /// The packet's session, verified: the probe's guess, or a full search where it was wrong or may be stale.
  private mutating func resolve(_ position: Int, insertionsAtProbe: UInt64) -> UInt32 {
    var record = flows.packets[position].candidate
    let isSession =
      record < FlowTable.unknown
      && sessions.flows.matches(record, flows.packets[position].key, flows.addresses6[position])
      && sessions.accepts(
        record, arrival: flows.packets[position].lif, side: flows.packets[position].key.side)
    if !isSession {
      if record == FlowTable.none, insertionsAtProbe == sessions.flows.insertions { return record }
      record = search(position)
    }
    while record != FlowTable.none, sessions.isExpired(record, at: flows.packets[position].time) {
      expire(record)
      record = search(position)
    }
    return record
  }

  @inline(never)
  private mutating func expire(_ record: UInt32) { sessions.expire(record) }

  @inline(never)
  private mutating func search(_ position: Int) -> UInt32 {
    sessions.find(flows.packets[position], flows.addresses6[position])
  }

  // MARK: With a session

  private mutating func hit(_ position: Int, _ record: UInt32) -> Verdict {
    if bypasses(position) {
      tally.matched += 1
      return punt(port: Int(flows.packets[position].port))
    }
    guard sessions.accept(flows.packets[position], into: record) else { return miss(position) }
    tally.matched += 1
    return verdict(position, record)
  }

  /// What the session's action means for this packet.
  mutating func verdict(_ position: Int, _ record: UInt32) -> Verdict {
    let session = sessions.flows.memory[record]
    let policy = sessions.policies[session.policy]
    if policy.action == .drop { return .drop(.sessionDrop) }
    let isFromInitiator = (flows.packets[position].key.side != 0) == session.flags.contains(.initiatorIsHigh)
    let out = isFromInitiator ? policy.outLIF : policy.inLIF
    var verdict = Verdict(.forward, outLIF: out.number)
    if out.rawValue == 0 {
      verdict.outLIF = ports[Int(flows.packets[position].port)].peer
    } else {
      leave(by: out, &verdict, position)
    }
    if policy.action != .forward { requestCopy(position, policy, &verdict) }
    return verdict
  }

  /// A session that names its LIFs: the packet leaves by that LIF, on that LIF's VLAN.
  @inline(never)
  private mutating func leave(by out: LIF, _ verdict: inout Verdict, _ position: Int) {
    if out.number == 0 { verdict.outLIF = ports[Int(flows.packets[position].port)].peer }
    if out.vlan != flows.packets[position].lif.vlan {
      verdict.vlan = out.vlan
      outcome.needsRetag = true
    }
  }

  @inline(never)
  private mutating func requestCopy(_ position: Int, _ policy: SessionPolicy, _ verdict: inout Verdict) {
    verdict.kind = policy.action == .mirror ? .mirror : .snoop
    let host = ports[Int(flows.packets[position].port)].host
    if verdict.kind == .snoop, host != 0 {
      // The original goes to the slow path as it came.
      verdict = Verdict(.snoop, outLIF: host)
    }
    let index = flows.packets[position].index
    outcome.copyRequests[outcome.copyRequestCount] = index
    outcome.copyRequestCount += 1
    copyHops[Int(index)] = policy.nextHop
  }

  /// Whether this is a control packet that goes to the host port past all sessions (`tcp_control: punt`).
  private mutating func bypasses(_ position: Int) -> Bool {
    tcpControl == .punt && flows.packets[position].flags.isControl
  }

  // MARK: Without one

  /// The port's miss policy; `learn` opens a session from the packet.
  @inline(never)
  private mutating func miss(_ position: Int) -> Verdict {
    tally.missed += 1
    let port = ports[Int(flows.packets[position].port)]
    switch port.miss {
    // The route table stands for the peer of a routed port.
    case .forward, .route: return Verdict(.forward, outLIF: port.peer)
    case .punt: return Verdict(.punt, outLIF: port.host)
    case .drop: return .drop(.missDrop)
    // Where control packets are punted, sessions are learned from the first other packet.
    case .learn: return bypasses(position) ? Verdict(.punt, outLIF: port.host) : learn(position, port)
    }
  }

  private mutating func learn(_ position: Int, _ port: WorkerPort) -> Verdict {
    let record = record(position, port)
    guard record != FlowTable.none else {
      // No room, or another session in the way: it still gets the treatment it would have had as a session.
      tally.learnFailed += 1
      return port.learnedAction == .drop ? .drop(.sessionDrop) : Verdict(.forward, outLIF: port.peer)
    }
    // A fresh session never asks to be reopened.
    _ = sessions.accept(flows.packets[position], into: record)
    return verdict(position, record)
  }

  /// A new session with the port's policy; `FlowTable.none` where there cannot be one.
  private mutating func record(_ position: Int, _ port: WorkerPort) -> UInt32 {
    let untagged = flows.packets[position].key.kind.isTCP ? port.learnedTCP : port.learnedUDP
    let vlan = flows.packets[position].lif.vlan
    guard port.learnsLIFs, vlan != 0 else {
      return sessions.learn(flows.packets[position], flows.addresses6[position], policy: untagged)
    }
    // The same on the packet's VLAN. The session holds it from then on.
    var policy = sessions.policies[untagged]
    policy.inLIF = LIF(number: policy.inLIF.number, vlan: vlan)
    policy.outLIF = LIF(number: policy.outLIF.number, vlan: vlan)
    guard let tagged = sessions.policies.acquire(policy) else { return FlowTable.none }
    let record = sessions.learn(flows.packets[position], flows.addresses6[position], policy: tagged)
    sessions.policies.release(tagged)
    return record
  }
}

extension TCPFlags {
  /// Opens or closes a connection: SYN, FIN or RST.
  @inline(__always) var isControl: Bool { !isDisjoint(with: [.syn, .fin, .rst]) }
}
