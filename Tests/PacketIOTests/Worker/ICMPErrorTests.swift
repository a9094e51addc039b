import Dataplane
import PacketIO
import Testing

@Suite("ICMP errors follow the session that they quote")
struct ICMPErrorTests {
  private func request(
    _ tuple: FiveTuple, _ action: Action = .forward, inLIF: LIF = .any, outLIF: LIF = .any
  ) -> SessionRequest {
    SessionRequest(
      id: SessionID(1), inLIF: inLIF, outLIF: outLIF, tuple: tuple, action: action,
      nextHop: action == .mirror || action == .snoop ? IPAddress(ipv4: 0x0A00_0063) : nil,
      cacheTimeout: 100)
  }

  /// The error arrives on port 2, the responder's side, unless `lif` says otherwise.
  private func run(
    _ error: [UInt8], _ requests: [SessionRequest], lif: UInt16 = 2, at seconds: Double = 1,
    _ change: (inout WorkerSetup) -> Void = { _ in }
  ) throws -> WorkerRun {
    var setup = WorkerRun.setup()
    setup.ports[0].nonSession = .punt
    setup.ports[1].nonSession = .punt
    change(&setup)
    let run = try WorkerRun(
      [MemoryQueue.Packet(error, time: .seconds(seconds), lif: lif, port: UInt8(lif - 1))], setup: setup,
      requests: requests)
    run.counts.expectEquations()
    #expect(run.counts[.other] == 1 && run.counts[.matched] == 0)
    for session in run.sessions { #expect(session.inPackets == 0 && session.outPackets == 0) }
    return run
  }

  private func follows(_ run: WorkerRun) -> Bool {
    #expect(run.counts[.icmpErrors] == (run.counts[.punted] == 0 ? 1 : 0))
    return run.counts[.punted] == 0
  }

  @Test(arguments: [SessionProtocol.udp, .tcp])
  func `IPv4 types that are errors, and others`(transport: SessionProtocol) throws {
    let tuple = Build.tuple(1000, transport)
    let packet = transport == .tcp ? Build.tcp(tuple, .ack, payload: 50) : Build.udp(tuple)
    for type in UInt8(0)...20 {
      let run = try run(Build.icmpError(type, about: packet), [request(tuple)])
      #expect(follows(run) == [3, 4, 5, 11, 12].contains(type), "type \(type)")
    }
  }

  @Test func `IPv6 types that are errors, and others`() throws {
    let tuple = Build.tuple(isIPv6: true)
    for type in [UInt8(1), 2, 3, 4, 5, 100, 127, 128, 129, 135, 137] {
      let run = try run(Build.icmpError(type, about: Build.udp(tuple)), [request(tuple)])
      #expect(follows(run) == (1...4).contains(type), "type \(type)")
    }
  }

  @Test func `eight bytes of the transport header suffice, fewer than the ports do not`() throws {
    let tuple = Build.tuple(1000, .tcp)
    let packet = Build.tcp(tuple, .ack, payload: 50)
    for (quoted, isEnough) in [(0, false), (19, false), (23, false), (24, true), (28, true), (90, true)] {
      let run = try run(Build.icmpError(3, about: packet, quoted: quoted), [request(tuple)])
      #expect(follows(run) == isEnough, "\(quoted) bytes")
    }
  }

  @Test func `either direction's packets may be quoted`() throws {
    let tuple = Build.tuple()
    let back = Build.icmpError(3, about: Build.udp(tuple.reversed), to: Build.server)
    let one = LIF(number: 1)
    let two = LIF(number: 2)
    let requests = [request(tuple, inLIF: one, outLIF: two)]
    #expect(try follows(run(back, requests, lif: 1)))
    #expect(try !follows(run(back, requests, lif: 2)))
    let there = Build.icmpError(3, about: Build.udp(tuple))
    #expect(try follows(run(there, requests, lif: 2)))
    #expect(try !follows(run(there, requests, lif: 1)))
  }

  @Test func `it leaves where the session's packets of its direction leave`() throws {
    let tuple = Build.tuple()
    let error = Build.icmpError(11, about: Build.udp(tuple), vlans: [20])
    let requests = [request(tuple, inLIF: LIF(number: 7, vlan: 10), outLIF: LIF(number: 2, vlan: 20))]
    let run = try run(error, requests)
    #expect(follows(run))
    let sent = try #require(run.transmitted.first)
    #expect(sent.decision.outLIF == 7 && sent.bytes[15] == 10)
    #expect(Array(sent.bytes.dropFirst(16)) == Array(error.dropFirst(16)))
  }

  @Test func `the session's action is done to it`() throws {
    let tuple = Build.tuple()
    let error = Build.icmpError(3, about: Build.udp(tuple))
    #expect(try run(error, [request(tuple, .drop)]).counts[DropReason.sessionDrop] == 1)
    for action in [Action.mirror, .snoop] {
      let run = try run(error, [request(tuple, action)]) {
        $0.neighbors = [
          Neighbor(
            address: IPAddress(ipv4: 0x0A00_0063), mac: MACAddress(0x0200_0000_0099), lif: LIF(number: 1))
        ]
      }
      #expect(run.counts[action == .mirror ? .mirrored : .snooped] == 1 && run.counts[.copiesMade] == 1)
      #expect(run.counts[.copiesFailed] == 0)
      #expect(Array(try #require(run.copies.first).bytes.dropFirst(14)) == Array(error.dropFirst(14)))
    }
  }

  @Test func `it neither renews the session nor follows one that is over`() throws {
    let tuple = Build.tuple()
    let error = Build.icmpError(3, about: Build.udp(tuple))
    let kept = try run(error, [request(tuple)], at: 99)
    #expect(follows(kept) && kept.sessions.first?.lastSeen == .zero)
    #expect(try !follows(run(error, [request(tuple)], at: 100)))
    let tcp = Build.tuple(1000, .tcp)
    let packets = [
      Build.tcp(tcp, .ack), Build.tcp(tcp, .rst), Build.icmpError(3, about: Build.tcp(tcp, .ack)),
    ]
    let closed = try WorkerRun(packets.map { MemoryQueue.Packet($0) })
    closed.counts.expectEquations()
    #expect(closed.counts[.icmpErrors] == 0 && closed.counts[.other] == 1)
  }

  @Test func `a session that the same burst opens is followed, one that it does not is not`() throws {
    let packets = [Build.udp(Build.tuple()), Build.icmpError(3, about: Build.udp(Build.tuple()))]
    for sizes in [[], [1]] {
      let run = try WorkerRun(packets.map { MemoryQueue.Packet($0) }, burstSizes: sizes)
      #expect(run.counts[.icmpErrors] == 1)
      let early = try WorkerRun(packets.reversed().map { MemoryQueue.Packet($0) }, burstSizes: sizes)
      #expect(early.counts[.icmpErrors] == 0 && early.counts[.other] == 1)
    }
  }

  @Test func `quotes that are followed by nobody`() throws {
    let tuple = Build.tuple()
    let packet = Build.udp(tuple)
    let error = Build.icmpError(3, about: packet)
    let requests = [request(tuple)]
    #expect(try !follows(run(Build.icmpError(3, about: error), requests)), "an error about an error")
    #expect(
      try !follows(run(Build.icmpError(3, about: packet, to: Build.server), requests)),
      "sent to somebody else")
    let parts = Build.fragments(tuple, payload: 100, size: 56)
    #expect(try follows(run(Build.icmpError(11, about: parts[0]), requests)), "a first fragment has ports")
    #expect(try !follows(run(Build.icmpError(11, about: parts[1]), requests)), "a later one has none")
    #expect(try !follows(run(Build.icmpError(3, about: Build.udp(Build.tuple(9))), requests)))
    var six = packet
    six[14] = 0x65
    #expect(try !follows(run(Build.icmpError(3, about: six), requests)), "another family")
    #expect(try !follows(run(error, [])), "no session")
    let broken = Build.fragment(
      Build.server, Build.client, 1, Array(error.dropFirst(34).prefix(32)), at: 0, more: true)
    #expect(try !follows(run(broken, requests)), "an error in fragments")
  }

  @Test(arguments: 1...5)
  func `one worker or many, the same answer`(seed: UInt64) throws {
    var random = SplitMix64(state: seed)
    let packets = Traffic.random(6000, flows: 60, spacing: 50_000_000, seed: seed).map { packet in
      let isQuoted = random.next() % 4 == 0 && packet.bytes.count > 40 && packet.originalLength == nil
      guard isQuoted else { return packet }
      var error = packet
      let isV4 = packet.bytes[12] == 8
      let isToClient = random.next() & 1 == 0
      error.bytes = Build.icmpError(
        isV4 ? 3 : 1, about: packet.bytes, quoted: Int(random.next() % 100),
        to: isToClient
          ? (isV4 ? Build.client : Build.client6) : (isV4 ? Build.server : Build.server6))
      return error
    }
    func setup(_ workers: Int) -> WorkerSetup {
      var setup = WorkerRun.setup(workers: workers)
      setup.start = packets[0].time
      return setup
    }
    let one = try SeveralWorkers(packets, setup: setup(1))
    one.counts.expectEquations()
    #expect(one.counts[.icmpErrors] > 50)
    let single = try WorkerRun(packets, setup: setup(1), burstLimit: 1)
    #expect(single.counts.comparable == one.counts.comparable)
    for workers in [2, 4] {
      let many = try SeveralWorkers(packets, setup: setup(workers))
      many.counts.expectEquations()
      #expect(many.counts.comparable == one.counts.comparable && many.sessions == one.sessions)
    }
  }
}
