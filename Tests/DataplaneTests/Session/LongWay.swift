import Dataplane

/// What both ways count.
struct WayCounts: Equatable {
  var matched: UInt64 = 0
  var missed: UInt64 = 0
  var other: UInt64 = 0
  var live: UInt64 = 0
  var totals: [UInt64] = []

  mutating func take(_ totals: SessionTotals, live: Int) {
    self.live = UInt64(live)
    self.totals = [
      totals.opened, totals.closedFINACK, totals.closedRST, totals.closedTimeout, totals.implausibleReset,
      totals.implausibleFin, totals.synOnEstablished, totals.nonsenseFlags,
    ]
  }
}

extension SessionSnapshot {
  /// Without the id that a server assigns.
  fileprivate var comparable: String {
    var copy = self
    if isLearned { copy.id = .unassigned }
    // An end is there once the session has one.
    if copy.state != .closed { copy.end = .zero }
    return "\(copy)"
  }
}

/// Sessions and policies one packet after the other, each by `find`, `isExpired` and `accept`.
struct LongWay: ~Copyable {
  private var table: SessionTable
  private let ports: [WorkerSetup.Port]
  private let start: PacketTime
  private var time: PacketTime
  private let learned: [UInt8: (tcp: UInt32, udp: UInt32)]
  private var ended: [String] = []
  private(set) var counts = WayCounts()
  /// Packets that the fast path is for, and others with a session.
  private(set) var ordinary = 0
  private(set) var notOrdinary = 0

  init(_ setup: WorkerSetup) throws {
    var generator = SplitMix64(state: 8)
    var table = try required(
      SessionTable(
        recordCount: 8192, worker: 0, capacity: SessionCapacity(limit: 4096),
        secret: FlowSecret(using: &generator), timeouts: setup.timeouts, isReporting: true, at: setup.start))
    let timeouts = setup.timeouts
    var learned: [UInt8: (tcp: UInt32, udp: UInt32)] = [:]
    for (index, port) in setup.ports.enumerated() {
      func policy(_ idle: UInt32, _ handshake: UInt32) -> SessionPolicy {
        SessionPolicy(
          inLIF: .any, outLIF: .any, action: port.learnedAction, nextHop: nil, idle: idle,
          handshake: handshake, timeouts: timeouts)
      }
      let tcp = table.policies.acquire(policy(timeouts.learnedTCP, timeouts.learnedHandshake))
      let udp = table.policies.acquire(policy(timeouts.learnedUDP, timeouts.learnedUDP))
      learned[UInt8(index)] = (try required(tcp), try required(udp))
    }
    self.table = table
    self.learned = learned
    ports = setup.ports
    start = setup.start
    time = setup.start
  }

  mutating func add(_ requests: [SessionRequest]) -> [AddOutcome] {
    requests.map { table.add($0, replacing: false, at: start).outcome }
  }

  /// - Returns: verdict, reason, LIF and VLAN in words.
  mutating func decide(_ arriving: ArrivingPacket) -> String {
    time = arriving.time
    defer { takeEnded() }
    let bytes = arriving.bytes.span.bytes
    guard let frame = try? Frame.parse(bytes, link: .ethernet, originalLength: arriving.original) else {
      counts.other += 1
      return "malformed"
    }
    guard frame.hasPorts else {
      counts.other += 1
      return Verdict(.punt).words
    }
    var addresses6 = FlowAddresses6()
    let packet = packet(arriving, frame, bytes, &addresses6)
    var index = table.find(packet, addresses6)
    if index != FlowTable.none, table.isExpired(index, at: time) {
      table.expire(index)
      index = FlowTable.none
    }
    if index != FlowTable.none {
      note(packet, index)
      if table.accept(packet, into: index) {
        counts.matched += 1
        return verdict(packet, index)
      }
    }
    counts.missed += 1
    let port = ports[Int(arriving.port)]
    guard port.miss == .learn, let policies = learned[arriving.port] else { return Verdict(.punt).words }
    let policy = packet.key.kind.isTCP ? policies.tcp : policies.udp
    index = table.learn(packet, addresses6, policy: policy)
    guard index != FlowTable.none, table.accept(packet, into: index) else { return "not learned" }
    return verdict(packet, index)
  }

  private mutating func note(_ packet: SessionPacket, _ index: UInt32) {
    let record = table.flows.memory[index]
    if packet.isOrdinary, record.state == .established, table.policies[record.policy].action == .forward {
      ordinary += 1
    } else {
      notOrdinary += 1
    }
  }

  private func packet(
    _ arriving: ArrivingPacket, _ frame: Frame, _ bytes: RawSpan, _ addresses6: inout FlowAddresses6
  ) -> SessionPacket {
    let ports = frame.ports(in: bytes)
    let isIPv6 = frame.family == 6
    let tuple = FiveTuple(
      source: isIPv6 ? frame.ipv6(in: bytes).source : frame.ipv4(in: bytes).source,
      sourcePort: ports.source,
      destination: isIPv6 ? frame.ipv6(in: bytes).destination : frame.ipv4(in: bytes).destination,
      destinationPort: ports.destination, transport: frame.kind == .tcp ? .tcp : .udp)
    var packet = SessionPacket.empty
    packet.key = FlowKey(tuple, secret: table.secret, addresses6: &addresses6)
    packet.time = arriving.time
    packet.lif = LIF(number: arriving.lif, vlan: frame.vlan)
    packet.bytes = arriving.original
    packet.port = arriving.port
    packet.isOrdinary = frame.kind == .udp
    guard frame.tcpFieldsCaptured else { return packet }
    let header = frame.tcp(in: bytes)
    packet.hasTCPFields = true
    packet.flags = header.flags
    packet.isOrdinary = header.flags.isOrdinary
    packet.sequence = header.sequence
    packet.acknowledgment = header.acknowledgment
    packet.window = header.window
    packet.payloadLength = frame.tcpPayloadLength(in: bytes)
    return packet
  }

  private func verdict(_ packet: SessionPacket, _ index: UInt32) -> String {
    let record = table.flows.memory[index]
    let policy = table.policies[record.policy]
    if policy.action == .drop { return Verdict.drop(.sessionDrop).words }
    let isFromInitiator = (packet.key.side != 0) == record.flags.contains(.initiatorIsHigh)
    let out = isFromInitiator ? policy.outLIF : policy.inLIF
    let verdict: Verdict.Kind =
      policy.action == .mirror ? .mirror : policy.action == .snoop ? .snoop : .forward
    var decision = Verdict(verdict, outLIF: out.number != 0 ? out.number : ports[Int(packet.port)].peer)
    if out.rawValue != 0, out.vlan != packet.lif.vlan { decision.vlan = out.vlan }
    return decision.words
  }

  private mutating func takeEnded() {
    for index in 0..<table.ended.count { ended.append(table.ended[index].session.comparable) }
    table.ended.removeAll()
  }

  /// Ends at the last packet's time.
  ///
  /// - Returns: all sessions, ended and live.
  mutating func finish() -> [String] {
    while !table.expire(at: time, isExact: true) { takeEnded() }
    takeEnded()
    var all = ended
    _ = table.forEach(from: 0, of: .all) {
      all.append($0.comparable)
      return true
    }
    counts.take(table.totals, live: table.live)
    return all
  }
}

extension Verdict {
  fileprivate var words: String {
    if kind == .drop { return "\(reason)" }
    return vlan == Self.keepVLAN ? "\(kind) to \(outLIF)" : "\(kind) to \(outLIF) in VLAN \(vlan)"
  }
}

/// The same packets through `Worker`, in bursts.
struct WholeWorker {
  let outcomes: [AddOutcome]
  /// By packet.
  let verdicts: [String]
  /// Sorted.
  let sessions: [String]
  let counts: WayCounts

  init(
    _ packets: [ArrivingPacket], _ setup: WorkerSetup, _ requests: [SessionRequest], burstLimit: Int
  ) throws {
    let events = SessionEvents(capacity: 1 << 17)
    var worker = try Worker(setup, index: 0, events: events)
    let batch = SessionBatch(.add(requests, replacing: false))
    worker.apply(batch)
    outcomes = batch.outcomes.map(\.outcome)
    var queue = ArrivalQueue(packets)
    WorkerLoop(setup, commands: CommandRing(), burstLimit: burstLimit).run(&worker, &queue)
    verdicts = queue.verdicts
    var all: [String] = []
    while let session = events.take() { all.append(session.comparable) }
    sessions = all.sorted()
    var counts = WayCounts()
    counts.matched = worker.counters[.matched]
    counts.missed = worker.counters[.missed]
    counts.other = worker.counters[.other]
    counts.take(worker.sessions.totals, live: worker.sessions.live)
    self.counts = counts
  }
}

/// Packets in memory; keeps what was decided about each.
private struct ArrivalQueue: PacketQueue, ~Copyable {
  private let packets: [ArrivingPacket]
  private let memory: UnsafeMutableRawPointer
  private var offset = 0
  private var position = 0
  private(set) var verdicts: [String] = []

  init(_ packets: [ArrivingPacket]) {
    self.packets = packets
    memory = .allocate(byteCount: packets.reduce(1) { $0 + $1.bytes.count }, alignment: 64)
  }

  deinit { memory.deallocate() }

  mutating func receive(into burst: inout PacketBurst) -> ReceiveStatus {
    guard position < packets.count else { return .ended }
    while !burst.isFull, position < packets.count {
      let packet = packets[position]
      memory.advanced(by: offset).copyMemory(from: packet.bytes, byteCount: packet.bytes.count)
      burst.append(
        PacketDescriptor(
          start: memory + offset, capturedLength: UInt32(packet.bytes.count),
          originalLength: packet.original, time: packet.time, captureTime: packet.time.nanoseconds,
          sequence: UInt64(position), lif: packet.lif, port: packet.port, link: .ethernet))
      offset += packet.bytes.count
      position += 1
    }
    return .packets
  }

  mutating func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {
    for index in 0..<burst.count {
      let decision = outcome[index]
      let isSound = decision.kind != .drop || decision.reason == .sessionDrop
      verdicts.append(isSound ? decision.words : "malformed")
    }
  }

  mutating func finish() {}
}
