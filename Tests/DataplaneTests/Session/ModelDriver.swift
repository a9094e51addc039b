import Dataplane

/// Does random operations on a table and on the model, and notes the first difference.
final class ModelDriver {
  var random: SplitMix64
  let bench: SessionBench
  let records: Int
  private let limit: Int
  let tupleCount: Int
  /// The model: sessions live and lingering, by the record that the table gave them.
  var sessions: [UInt32: ModelSession] = [:]
  private var byTuple: [FiveTuple: [UInt32]] = [:]
  /// What must be reported as ended by the present operation.
  var due: [SeenSession] = []
  private(set) var problem: String?
  var operation = ""
  private var tally: [String: Int] = [:]

  private static let lifs = [LIF(number: 1), LIF(number: 2), LIF(number: 1, vlan: 7), LIF(number: 3)]
  static let wildcards = [LIF.any, LIF(number: 0, vlan: 7)] + lifs
  private static let tick: UInt64 = 1 << 26

  init(seed: UInt64, records: UInt32, limit: Int) throws {
    random = SplitMix64(state: seed)
    bench = try SessionBench(records: records, capacity: SessionCapacity(limit: limit))
    self.records = Int(records)
    self.limit = limit
    tupleCount = Int(records) * 3 / 2 + 2
  }

  var summary: String {
    tally.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
  }

  func fail(_ text: String) { if problem == nil { problem = text } }
  func count(_ what: String) { tally[what, default: 0] += 1 }

  // MARK: Operations

  func operate() {
    switch random.below(100) {
    case 0..<60: sendPacket()
    case 60..<75: addSession()
    case 75..<79: findSession(deleting: false)
    case 79..<84: findSession(deleting: true)
    case 84..<86: expire()
    default: wait()
    }
    settle(mayEvict: nil)
    if sessions.count != Int(bench.table.flows.count) {
      fail("\(bench.table.flows.count) records, model \(sessions.count)")
    }
  }

  private func wait() {
    operation = "wait"
    let spans: [UInt64] = [10, 1_000_000, Self.tick, SessionBench.second, 4 * SessionBench.second]
    bench.now += random.next() % spans[random.below(spans.count)]
    if random.oneIn(300) { bench.now += UInt64(random.below(4000)) * SessionBench.second }
    if random.oneIn(5000) { bench.now += UInt64(random.below(10)) * 86_400 * SessionBench.second }
  }

  private func expire() {
    let isExact = random.oneIn(2)
    operation = "expire \(isExact)"
    _ = bench.table.expire(at: bench.time, isExact: isExact)
    settle(mayEvict: nil)
    let latest = isExact ? bench.now : bench.now - 3 * Self.tick
    for (index, session) in sessions where session.isOver(at: latest) {
      fail("session \(index) is over since \(bench.now - session.deadline) ns and still there")
    }
  }

  func randomTuple() -> FiveTuple {
    // Half of all goes to a few, so that they see long histories.
    let number = random.below(random.oneIn(2) ? min(4, tupleCount) : tupleCount)
    let isIPv6 = number % 3 == 0
    let near =
      isIPv6 ? IPAddress(ipv6High: 1, low: UInt64(number)) : IPAddress(ipv4: 0x0A00_0000 + UInt32(number))
    let far = isIPv6 ? IPAddress(ipv6High: 1, low: 5) : IPAddress(ipv4: 0x0A00_0010)
    let tuple = FiveTuple(
      source: near, sourcePort: UInt16(number % 7), destination: far, destinationPort: 3,
      transport: number % 4 == 1 ? .udp : .tcp)
    return random.oneIn(2) ? tuple : tuple.swapped
  }

  func indices(of tuple: FiveTuple) -> [UInt32] {
    (byTuple[tuple] ?? []) + (byTuple[tuple.swapped] ?? [])
  }

  func insert(_ session: ModelSession, _ index: UInt32) {
    if sessions[index] != nil { fail("record \(index) is taken twice") }
    sessions[index] = session
    byTuple[session.tuple, default: []].append(index)
  }

  func remove(_ index: UInt32) {
    guard let session = sessions.removeValue(forKey: index) else {
      return fail("record \(index) is not there")
    }
    byTuple[session.tuple]?.removeAll { $0 == index }
  }

  // MARK: Packets

  private func randomPacket(_ tuple: FiveTuple) -> (packet: SessionPacket, addresses6: FlowAddresses6) {
    var packet = SessionPacket.empty
    var addresses6 = FlowAddresses6()
    packet.key = FlowKey(tuple, secret: SessionBench.secret, addresses6: &addresses6)
    // Now and then one that another worker held back.
    let age = random.oneIn(50) ? random.next() % 10_000_000 : 0
    packet.time = PacketTime(nanoseconds: bench.now - age)
    packet.lif = Self.lifs[random.oneIn(3) ? random.below(4) : 0]
    packet.bytes = UInt32(random.below(1500) + 60)
    guard tuple.transport == .tcp, !random.oneIn(40) else { return (packet, addresses6) }
    let flags: [TCPFlags] = [
      .ack, .ack, .ack, .ack, [.ack, .psh], .ack, [.syn, .ack], [.fin, .ack], [.fin, .ack], .fin,
      random.oneIn(4) ? .syn : .ack, random.oneIn(4) ? .rst : .ack,
      random.oneIn(4) ? [.rst, .ack] : [.fin, .ack],
      random.oneIn(8) ? TCPFlags(rawValue: UInt8(truncatingIfNeeded: random.next())) : .ack,
    ]
    packet.hasTCPFields = true
    packet.flags = flags[random.below(flags.count)]
    // Few numbers around the wrap, so that they often meet.
    packet.sequence = 0xFFFF_FFFE &+ UInt32(random.below(8))
    packet.acknowledgment = 0xFFFF_FFFE &+ UInt32(random.below(8))
    packet.payloadLength = UInt32(random.below(3))
    packet.window = UInt16(random.below(4))
    return (packet, addresses6)
  }

  private func sendPacket() {
    let tuple = randomTuple()
    let (packet, addresses6) = randomPacket(tuple)
    let time = packet.time.nanoseconds
    operation = "packet \(packet.flags) on \(packet.lif)"
    let candidates = indices(of: tuple).filter { index in
      guard let session = sessions[index], let end = session.end(of: tuple) else { return false }
      return session.lifs[end].accepts(packet.lif)
    }
    let index = bench.table.find(packet, addresses6)
    guard candidates.isEmpty ? index == FlowTable.none : candidates.contains(index) else {
      return fail("found \(index), should be of \(candidates)")
    }
    if index != FlowTable.none, let session = sessions[index] {
      guard bench.table.isExpired(index, at: packet.time) == session.isOver(at: time) else {
        return fail("over: model \(session.isOver(at: time))")
      }
      if session.isOver(at: time) {
        due.append(session.seen(ending: session.isClosed ? nil : (.timeout, session.deadline)))
        remove(index)
        bench.table.expire(index)
        count("expired by packet")
      } else if hit(packet, tuple, index, session) {
        return
      }
      settle(mayEvict: nil)
    }
    if random.oneIn(3) { learn(packet, addresses6, tuple) }
  }

  /// Whether the packet was the session's.
  private func hit(_ packet: SessionPacket, _ tuple: FiveTuple, _ index: UInt32, _ old: ModelSession) -> Bool
  {
    var session = old
    let end = session.end(of: tuple) ?? 0
    let ending = packet.hasTCPFields ? session.follow(packet, from: end) : nil
    if let ending {
      due.append(session.isClosed ? session.seen() : session.seen(ending: (ending, packet.time.nanoseconds)))
      remove(index)
      count("reopened")
    } else {
      session.count(packet, from: end)
      sessions[index] = session
      count("hit")
      if session.isClosed, !old.isClosed { count("closed \(session.code)") }
      if session.isClosed, old.isClosed { count("late") }
    }
    if bench.table.accept(packet, into: index) != (ending == nil) {
      fail("new connection: model \(ending != nil)")
    }
    if ending == nil, SeenSession(bench.snapshot(index)) != session.seen() {
      fail("\(SeenSession(bench.snapshot(index))) is not \(session.seen())")
    }
    return ending == nil
  }

  private func learn(_ packet: SessionPacket, _ addresses6: FlowAddresses6, _ tuple: FiveTuple) {
    operation += " learned"
    let isTCP = tuple.transport == .tcp
    // A learned session has any LIF: it would overlap with every live one of its tuple.
    let isBlocked = sessions.values.contains {
      !$0.isClosed && $0.end(of: tuple) != nil && !$0.isOver(at: packet.time.nanoseconds)
    }
    let index = bench.table.learn(packet, addresses6, policy: isTCP ? bench.learnedTCP : bench.learnedUDP)
    settle(mayEvict: { _ in true })
    if isBlocked {
      if index != FlowTable.none { fail("learned beside a live session of the tuple") }
      return count("not learned beside another")
    }
    guard index != FlowTable.none else { return checkFull("not learned") }
    let isHandshake = packet.flags.contains(.syn) && !packet.flags.contains(.ack)
    let time = packet.time.nanoseconds
    let session = ModelSession(
      id: bench.snapshot(index).id, tuple: tuple, lifs: [.any, .any], action: .forward, isLearned: true,
      state: isHandshake ? .synSent : .established, start: time, lastSeen: time, idle: isTCP ? 3600 : 60,
      handshake: isTCP ? 30 : 60)
    if session.id.rawValue & SessionID.serverBit == 0 { fail("a learned session has a client's id") }
    insert(session, index)
    count("learned")
    if !hit(packet, tuple, index, session) { fail("a learned session was opened again") }
  }

  /// A refusal is right when all places or all records are taken, and none by a session long over.
  func checkFull(_ what: String) {
    count("full")
    let live = sessions.values.count { !$0.isClosed }
    if live < limit, sessions.count < records || live < sessions.count { fail("\(what), but there was room") }
    if sessions.values.contains(where: { $0.isOver(at: bench.now - 3 * Self.tick) }) {
      fail("\(what), but a session is long over")
    }
  }

  // MARK: Comparison

  /// Takes what ended: what the model awaits, sessions that are over, and lingering ones that may be evicted.
  func settle(mayEvict: ((UInt32) -> Bool)?) {
    for snapshot in bench.takeEnded() {
      let seen = SeenSession(snapshot)
      if let position = due.firstIndex(of: seen) {
        due.remove(at: position)
        continue
      }
      let match = sessions.first { index, session in
        let isTimely = session.isOver(at: bench.now) || (session.isClosed && mayEvict?(index) == true)
        return isTimely
          && session.seen(ending: session.isClosed ? nil : (.timeout, session.deadline)) == seen
      }
      guard let match else { return fail("ended unexpectedly: \(seen)") }
      count(match.value.isClosed ? "forgotten" : "timed out")
      remove(match.key)
    }
    if !due.isEmpty { fail("not reported: \(due)") }
  }

  /// Compares everything.
  func compare() {
    if let first = bench.problems.first { fail(first) }
    let live = sessions.values.filter { !$0.isClosed }
    if bench.live != live.count || bench.capacity.count != live.count {
      fail("live \(bench.live), model \(live.count)")
    }
    if Set(bench.list().map(SeenSession.init)) != Set(live.map { $0.seen() }) { fail("the live ones differ") }
    let all = bench.list(includingClosed: true).map(SeenSession.init)
    if all.count != sessions.count || Set(all) != Set(sessions.values.map { $0.seen() }) {
      fail("lists differ")
    }
  }

  /// Lets all sessions end.
  func finish() {
    bench.now += 2 * 86_400 * SessionBench.second
    expire()
    compare()
    if !sessions.isEmpty || bench.table.flows.count != 0 { fail("sessions are left") }
    if bench.table.ended.lost != 0 { fail("reports were lost") }
  }
}
