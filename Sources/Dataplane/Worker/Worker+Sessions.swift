extension Worker {
  /// Packets between looking a record up, which has its line fetched, and touching that line: enough to
  /// cover a memory access, few enough not to wait for free line-fill buffers.
  private static var lookahead: Int { 24 }

  /// Decides about each flow packet in order of arrival: earlier ones may open or close what later ones meet.
  ///
  /// Runs `probe` some packets ahead of itself.
  @inline(never)
  mutating func decide() {
    let insertions = sessions.flows.insertions
    let fastPath = sessions.flows.memory.fastPath(sessions.policies)
    var ordinary: UInt64 = 0
    for position in 0..<min(flowCount, Self.lookahead) { probe(position) }
    for position in 0..<flowCount {
      if position &+ Self.lookahead < flowCount { probe(position &+ Self.lookahead) }
      let index = Int(flowPackets[position])
      let peer = ports[Int(packets[index].port)].peer
      let out = fastPath.forward(packets[index], addresses6[index], peer: peer)
      if out != FlowFastPath.longWay {
        outcome.verdicts[index] = Verdict(.forward, outLIF: UInt16(truncatingIfNeeded: out))
        ordinary &+= 1
      } else {
        outcome.verdicts[index] = decide(index, insertionsAtProbe: insertions)
      }
    }
    tally.matched += ordinary
  }

  /// Looks for a flow packet's record in its bucket, now in the cache, and has the record fetched.
  ///
  /// A later packet's guess may be stale by its turn: sessions opened meanwhile raise the table's count of
  /// insertions, and a record that was freed or taken anew does not match.
  @inline(__always)
  private mutating func probe(_ position: Int) {
    let index = Int(flowPackets[position])
    packets[index].candidate = sessions.flows.probe(packets[index].key)
  }

  /// The long way: any packet, any session, or none.
  @inline(never)
  private mutating func decide(_ index: Int, insertionsAtProbe: UInt64) -> Verdict {
    let record = resolve(index, insertionsAtProbe: insertionsAtProbe)
    return record == FlowTable.none ? miss(index) : hit(index, record)
  }

  /// The packet's session, verified: the probe's guess, or a full search where it was wrong or may be stale.
  private mutating func resolve(_ index: Int, insertionsAtProbe: UInt64) -> UInt32 {
    var record = packets[index].candidate
    let isSession =
      record < FlowTable.unknown && sessions.flows.matches(record, packets[index].key, addresses6[index])
      && sessions.accepts(record, arrival: packets[index].lif, side: packets[index].key.side)
    if !isSession {
      if record == FlowTable.none, insertionsAtProbe == sessions.flows.insertions { return record }
      record = search(index)
    }
    while record != FlowTable.none, sessions.isExpired(record, at: packets[index].time) {
      expire(record)
      record = search(index)
    }
    return record
  }

  @inline(never)
  private mutating func expire(_ record: UInt32) { sessions.expire(record) }

  @inline(never)
  private mutating func search(_ index: Int) -> UInt32 {
    sessions.find(packets[index], addresses6[index])
  }

  // MARK: With a session

  private mutating func hit(_ index: Int, _ record: UInt32) -> Verdict {
    if bypasses(index) {
      tally.matched += 1
      return Verdict(.punt)
    }
    guard sessions.accept(packets[index], into: record) else { return miss(index) }
    tally.matched += 1
    return verdict(index, record)
  }

  /// What the session's action means for this packet.
  private mutating func verdict(_ index: Int, _ record: UInt32) -> Verdict {
    let session = sessions.flows.memory[record]
    let policy = sessions.policies[session.policy]
    if policy.action == .drop { return .drop(.sessionDrop) }
    let isFromInitiator = (packets[index].key.side != 0) == session.flags.contains(.initiatorIsHigh)
    let out = isFromInitiator ? policy.outLIF : policy.inLIF
    var verdict = Verdict(.forward, outLIF: out.number)
    if out.rawValue == 0 {
      verdict.outLIF = ports[Int(packets[index].port)].peer
    } else {
      leave(by: out, &verdict, index)
    }
    if policy.action != .forward { requestCopy(index, policy, &verdict) }
    return verdict
  }

  /// A session that names its LIFs: the packet leaves by that LIF, on that LIF's VLAN.
  @inline(never)
  private mutating func leave(by out: LIF, _ verdict: inout Verdict, _ index: Int) {
    if out.number == 0 { verdict.outLIF = ports[Int(packets[index].port)].peer }
    if out.vlan != packets[index].lif.vlan {
      verdict.vlan = out.vlan
      outcome.needsRetag = true
    }
  }

  @inline(never)
  private mutating func requestCopy(_ index: Int, _ policy: SessionPolicy, _ verdict: inout Verdict) {
    verdict.kind = policy.action == .mirror ? .mirror : .snoop
    outcome.copyRequests[outcome.copyRequestCount] = UInt8(truncatingIfNeeded: index)
    outcome.copyRequestCount += 1
    copyHops[index] = policy.nextHop.flatMap { neighbors.index(of: $0) } ?? NeighborTable.none
  }

  /// Whether this is a control packet that goes to the host port past all sessions (`tcp_control: punt`).
  private mutating func bypasses(_ index: Int) -> Bool {
    tcpControl == .punt && packets[index].flags.isControl
  }

  // MARK: Without one

  /// The port's miss policy; `learn` opens a session from the packet.
  @inline(never)
  private mutating func miss(_ index: Int) -> Verdict {
    tally.missed += 1
    let port = ports[Int(packets[index].port)]
    switch port.miss {
    case .forward: return Verdict(.forward, outLIF: port.peer)
    case .punt: return Verdict(.punt)
    case .drop: return .drop(.missDrop)
    // Where control packets are punted, sessions are learned from the first other packet.
    case .learn: return bypasses(index) ? Verdict(.punt) : learn(index, port)
    }
  }

  private mutating func learn(_ index: Int, _ port: WorkerPort) -> Verdict {
    let policy = packets[index].key.kind.isTCP ? port.learnedTCP : port.learnedUDP
    let record = sessions.learn(packets[index], addresses6[index], policy: policy)
    guard record != FlowTable.none else {
      // No room, or another session in the way: it still gets the treatment it would have had as a session.
      tally.learnFailed += 1
      return port.learnedAction == .drop ? .drop(.sessionDrop) : Verdict(.forward, outLIF: port.peer)
    }
    // A fresh session never asks to be reopened.
    _ = sessions.accept(packets[index], into: record)
    return verdict(index, record)
  }
}

extension TCPFlags {
  /// Opens or closes a connection: SYN, FIN or RST.
  @inline(__always) var isControl: Bool { !isDisjoint(with: [.syn, .fin, .rst]) }
}
