import Dataplane
import Testing

/// A packet on its way in.
struct ArrivingPacket {
  var bytes: [UInt8]
  var time: PacketTime
  var lif: UInt16
  var port: UInt8
  var original: UInt32
}

@Suite("The fast path does what the long way does")
struct FlowFastPathTests {
  /// Each port's peer is its neighbour: 1 and 2, 3 and 4.
  private static func ports(_ miss: MissPolicy) -> [WorkerSetup.Port] {
    [(1, 2), (2, 1), (3, 4), (4, 3)].map { lif, peer in
      WorkerSetup.Port(
        lif: lif, peer: peer, miss: miss, learnedAction: lif == 4 ? .drop : .forward, nonSession: .punt,
        mac: MACAddress(0x0200_0000_0000 | UInt64(lif)))
    }
  }

  private static func setup(_ miss: MissPolicy, at start: PacketTime) -> WorkerSetup {
    var generator = SplitMix64(state: 7)
    var setup = WorkerSetup(
      workers: 1, capacity: 4096, ports: ports(miss), waits: true, generator: &generator)
    setup.timeouts.learnedTCP = 40
    setup.timeouts.learnedUDP = 20
    setup.start = start
    return setup
  }

  private func compare(_ miss: MissPolicy, seed: UInt64, burstLimit: Int, requests: [SessionRequest]) throws {
    var traffic = FastPathTraffic(seed: seed)
    let packets = traffic.packets(40_000)
    let setup = Self.setup(miss, at: packets[0].time)
    let whole = try WholeWorker(packets, setup, requests, burstLimit: burstLimit)
    var long = try LongWay(setup)
    #expect(long.add(requests) == whole.outcomes)
    var differences = 0
    for (index, packet) in packets.enumerated() {
      let expected = long.decide(packet)
      if whole.verdicts[index] != expected, differences < 5 {
        differences += 1
        Issue.record("packet \(index): \(whole.verdicts[index]), the long way \(expected)")
      }
    }
    let sessions = long.finish()
    #expect(whole.sessions == sessions.sorted(), "the same sessions")
    #expect(whole.counts == long.counts)
    #expect(long.ordinary > 5000 && long.notOrdinary > 1000, "both ways were gone")
  }

  @Test(arguments: [UInt64(1), 2, 3], [1, 7, 256])
  func `with learned sessions`(seed: UInt64, burstLimit: Int) throws {
    let requests = (0..<60).map { index in
      SessionRequest(
        id: SessionID(UInt64(index) + 1), tuple: FastPathTraffic.tuple(index * 5),
        action: Action.allCases[index % 4], cacheTimeout: UInt32(5 + index))
    }
    try compare(.learn, seed: seed, burstLimit: burstLimit, requests: requests)
  }

  @Test(arguments: [UInt64(11), 12, 13], [3, 64])
  func `with sessions that name LIFs and VLANs`(seed: UInt64, burstLimit: Int) throws {
    try compare(
      .punt, seed: seed, burstLimit: burstLimit, requests: FastPathTraffic.requestsWithLIFs())
  }

  @Test func `the verdict in one word is the verdict`() {
    #expect(MemoryLayout<Verdict>.size == 8)
    let stored = FixedArray<Verdict>(repeating: Verdict(.punt))
    for lif: UInt16 in [0, 1, 0x1234, .max] {
      for verdict in [Verdict(.forward, outLIF: lif), .drop(.missDrop), .handOff(to: 63)] {
        stored.view.store(verdict.word, at: 255)
        let found = stored[255]
        #expect(found.kind == verdict.kind && found.reason == verdict.reason)
        #expect(found.outLIF == verdict.outLIF && found.vlan == verdict.vlan)
      }
      // No verdict of the fast path is what it answers for "not ordinary".
      #expect(Verdict(.forward, outLIF: lif).word != 0)
      #expect(
        UInt16(truncatingIfNeeded: (Verdict.outLIFMask & Verdict(.forward, outLIF: lif).word) >> 16) == lif)
    }
    let others = (0..<255).allSatisfy { stored[$0].kind == .punt }
    #expect(others)
  }

  @Test func `IPv6 flows with one digest are told apart by their addresses`() throws {
    var generator = SplitMix64(state: 7)
    // The secret that `setup` draws. Where the low address ends with its third word, the digest of a pair
    // does not depend on that address's upper half.
    let secret = (0..<3).map { _ in generator.next() }
    let packets = [UInt64](repeating: 1, count: 3).flatMap { [$0, $0 + 1] }.map { network in
      let datagram = Packets.udp()
      let header = Packets.header(IPv6Header.size) {
        IPv6Header.write(
          source: IPAddress(ipv6High: network, low: secret[2]),
          destination: IPAddress(ipv6High: .max, low: .max), nextHeader: 17,
          payloadLength: datagram.count, into: &$0, at: 0)
      }
      let bytes = Packets.ethernet(0x86DD, header + datagram)
      return ArrivingPacket(bytes: bytes, time: .zero, lif: 1, port: 0, original: UInt32(bytes.count))
    }
    for burstLimit in [1, 6] {
      let whole = try WholeWorker(packets, Self.setup(.learn, at: .zero), [], burstLimit: burstLimit)
      #expect(whole.counts.missed == 2 && whole.counts.matched == 4 && whole.sessions.count == 2)
    }
  }

  @Test func `what SessionLine knows of the record's layout is true`() {
    #expect(SessionLine.Offset.sides == MemoryLayout<SessionRecord>.offset(of: \.low))
    #expect(SessionLine.Offset.sides + 16 == MemoryLayout<SessionRecord>.offset(of: \.high))
    #expect(MemoryLayout<SessionRecord.SideState>.stride == 16)
    #expect(SessionLine.Offset.identity == MemoryLayout<SessionRecord>.offset(of: \.ports))
    #expect(SessionLine.Offset.identity + 4 == MemoryLayout<SessionRecord>.offset(of: \.kind))
    #expect(SessionLine.Offset.identity + 5 == MemoryLayout<SessionRecord>.offset(of: \.state))
    // The fast path compares the byte in memory.
    for state in TrackState.allCases {
      #expect(withUnsafeBytes(of: state) { $0[0] } == state.rawValue && state.rawValue != .max)
    }
    #expect(SessionLine.Offset.windows == MemoryLayout<SessionRecord>.offset(of: \.lowWindow))
    #expect(SessionLine.Offset.windows + 2 == MemoryLayout<SessionRecord>.offset(of: \.highWindow))
    #expect(MemoryLayout<SessionRecord>.size == 64 && MemoryLayout<SessionRecord>.alignment <= 64)
    // `note` shifts the first by the side to have the second.
    #expect(SessionFlags.lowAcked.rawValue == 1 && SessionFlags.highAcked.rawValue == 2)
    // So do the bits of the key that are compared with these.
    #expect(SessionFlags.initiatorIsHigh.rawValue == 4)
    // Key and record begin with the same two words, and a packet with its key.
    #expect(MemoryLayout<SessionRecord>.offset(of: \.addresses) == 0 && SessionLine.Offset.identity == 8)
    #expect(MemoryLayout<SessionPacket>.offset(of: \.key) == 0)
    #expect(MemoryLayout<FlowKey>.offset(of: \.addresses) == 0)
    #expect(MemoryLayout<FlowKey>.offset(of: \.hash) == 16)
    #expect(MemoryLayout<ForwardRules>.offset(of: \.fromInitiator) == 0)
    #expect(MemoryLayout<ForwardRules>.offset(of: \.fromResponder) == ForwardRules.responderOffset)
  }
}
