import Dataplane
import PacketIO
import Testing

@Suite("Fragments follow the first one of their datagram")
struct FragmentTests {
  private static let tuples = [
    Build.tuple(), Build.tuple(1000, .tcp), Build.tuple(isIPv6: true), Build.tuple(1000, .tcp, isIPv6: true),
  ]

  private func run(
    _ packets: [[UInt8]], seconds: [Double] = [], requests: [SessionRequest] = [], burstSizes: [Int] = [],
    _ change: (inout WorkerSetup) -> Void = { _ in }
  ) throws -> WorkerRun {
    var setup = WorkerRun.setup()
    change(&setup)
    let timed = packets.enumerated().map { index, bytes in
      MemoryQueue.Packet(bytes, time: .seconds(seconds.isEmpty ? 0 : seconds[index]))
    }
    let run = try WorkerRun(timed, setup: setup, requests: requests, burstSizes: burstSizes)
    run.counts.expectEquations()
    return run
  }

  /// Which of `packets` came out, in order.
  private func order(_ run: WorkerRun, _ packets: [[UInt8]]) -> [Int?] {
    decided(run).map { packets.firstIndex(of: $0.bytes) }
  }

  private func decided(_ run: WorkerRun) -> [MemoryQueue.Transmitted] {
    run.transmitted.filter { $0.decision.kind != .hold }
  }

  private func reasons(_ run: WorkerRun) -> [DropReason?] {
    decided(run).map { $0.decision.kind == .drop ? $0.decision.reason : nil }
  }

  @Test(arguments: tuples)
  func `in order all count into the session that the first one opens`(tuple: FiveTuple) throws {
    let packets = Build.fragments(tuple, payload: 1000, size: 400)
    let run = try run(packets)
    #expect(order(run, packets) == [0, 1, 2])
    #expect(run.counts[.missed] == 1 && run.counts[.matched] == 2 && run.counts[.other] == 0)
    #expect(run.counts[.laterFragments] == 2 && run.counts[.fragmentsHeld] == 0)
    let session = try #require(run.sessions.first)
    #expect(session.tuple == tuple && session.inPackets == 3)
    #expect(session.inBytes == UInt64(packets.reduce(0) { $0 + $1.count }))
  }

  @Test(arguments: tuples)
  func `later ones wait for the first and leave right behind it`(tuple: FiveTuple) throws {
    let packets = Build.fragments(tuple, payload: 1000, size: 200)
    let others = (0..<3).map { Build.udp(Build.tuple(2000 + $0)) }
    let input =
      [packets[3], others[0], packets[1], packets[2], others[1], packets[0], others[2]]
      + packets[4...]
    let expected = [1, 4, 5, 0, 2, 3, 6] + (7..<input.count)
    for sizes in [[], [1], [3], [6], [7]] {
      let run = try run(input, burstSizes: sizes)
      #expect(order(run, input) == expected, "bursts \(sizes)")
      #expect(run.counts[.fragmentsHeld] == 3)
      #expect(run.counts[.laterFragments] == UInt64(packets.count) - 1)
      #expect(run.sessions.first { $0.tuple == tuple }?.inPackets == UInt64(packets.count))
    }
  }

  @Test func `a waiting fragment counts at the time of the first one`() throws {
    let packets = Build.fragments(Build.tuple(), payload: 100, size: 56)
    let run = try run([packets[1], packets[0]], seconds: [1, 5])
    #expect(run.sessions.first?.start == .seconds(5) && run.sessions.first?.lastSeen == .seconds(5))
  }

  @Test func `an action of the session is done to all`() throws {
    let tuple = Build.tuple()
    let packets = Build.fragments(tuple, payload: 1000, size: 400)
    let request = SessionRequest(id: SessionID(1), tuple: tuple, action: .drop, cacheTimeout: 100)
    let run = try run([packets[2], packets[0], packets[1]], requests: [request])
    #expect(run.counts[DropReason.sessionDrop] == 3 && run.counts[.matched] == 3)
  }

  @Test func `a FIN in fragments is tracked once`() throws {
    let tuple = Build.tuple(1000, .tcp)
    let packets = Build.fragments(tuple, payload: 100, size: 56, flags: [.fin, .ack])
    let run = try run([Build.tcp(tuple, .ack), packets[1], packets[0], packets[2]])
    #expect(run.sessions.first?.state == .closing1 && run.sessions.first?.inPackets == 4)
  }

  @Test func `what follows no session follows the policies of its first fragment`() throws {
    let udp = Build.fragments(Build.tuple(), payload: 100, size: 56)
    let missed = try run([udp[1], udp[0]]) { $0.ports[0].miss = .drop }
    #expect(missed.counts[DropReason.missDrop] == 2 && missed.counts[.missed] == 2)
    let gre = [0..<56, 56..<100].map { range in
      Build.fragment(
        Build.client, Build.server, 47, [UInt8](repeating: 7, count: range.count), at: range.lowerBound,
        more: range.lowerBound == 0)
    }
    let others = try run([gre[1], gre[0]]) { $0.ports[0].nonSession = .punt }
    #expect(others.counts[.punted] == 2 && others.counts[.other] == 2 && others.counts[.laterFragments] == 1)
  }

  @Test func `a first fragment that is missing: time out, and the end of the run`() throws {
    for (tuple, seconds) in [(Build.tuple(), 30.0), (Build.tuple(isIPv6: true), 60.0)] {
      let packets = Build.fragments(tuple, payload: 100, size: 56)
      let other = Build.udp(Build.tuple(2000))
      let early = try run([packets[1], other], seconds: [1, 1 + seconds - 0.001])
      #expect(order(early, [packets[1], other]) == [1, 0])
      #expect(reasons(early) == [nil, .fragmentUnresolved] && early.counts[.other] == 1)
      for sizes in [[], [1]] {
        let late = try run([packets[1], other], seconds: [1, 1 + seconds], burstSizes: sizes)
        #expect(order(late, [packets[1], other]) == [0, 1])
        #expect(reasons(late) == [.fragmentTimeout, nil])
      }
    }
  }

  @Test func `a first fragment that comes too late is a new datagram`() throws {
    let packets = Build.fragments(Build.tuple(), payload: 100, size: 56)
    let run = try run([packets[1], packets[0], packets[1]], seconds: [0, 31, 32])
    #expect(reasons(run) == [.fragmentTimeout, nil, nil])
  }

  @Test func `overlaps poison the datagram, and nothing of what waits gets out`() throws {
    let tuple = Build.tuple()
    let segment = Build.segment(tuple, payload: 192)
    func part(_ range: Range<Int>) -> [UInt8] { Build.fragment(tuple, segment, range) }
    let packets = [
      part(40..<80), part(120..<160), part(72..<120), part(0..<40), part(80..<120), part(160..<200),
    ]
    let run = try run(packets)
    #expect(order(run, packets) == [2, 0, 1, 3, 4, 5])
    #expect(run.counts[DropReason.fragmentOverlap] == 6 && run.counts[.other] == 6)
    let resolved = try self.run([part(0..<40), part(40..<80), part(72..<96), part(96..<120)])
    #expect(reasons(resolved) == [nil, nil, .fragmentOverlap, .fragmentOverlap])
  }

  @Test func `two ends, and bytes behind the end`() throws {
    let tuple = Build.tuple()
    let segment = Build.segment(tuple, payload: 192)
    func part(_ range: Range<Int>, more: Bool) -> [UInt8] {
      Build.fragment(tuple, segment, range, more: more)
    }
    let twice = try run([part(0..<40, more: true), part(80..<120, more: false), part(120..<160, more: false)])
    #expect(reasons(twice) == [nil, nil, .fragmentOverlap])
    let behind = try run([part(0..<40, more: true), part(80..<120, more: false), part(120..<160, more: true)])
    #expect(reasons(behind) == [nil, nil, .fragmentOverlap])
    let before = try run([part(0..<40, more: true), part(80..<120, more: true), part(40..<64, more: false)])
    #expect(reasons(before) == [nil, nil, .fragmentOverlap])
  }

  @Test func `duplicates are dropped and the datagram goes on`() throws {
    let packets = Build.fragments(Build.tuple(), payload: 192, size: 56)
    let run = try run([packets[0], packets[0], packets[1], packets[1], packets[2], packets[3]])
    #expect(reasons(run) == [nil, .fragmentDuplicate, nil, .fragmentDuplicate, nil, nil])
  }

  @Test func `a complete datagram is forgotten: its identification may come again`() throws {
    let packets = Build.fragments(Build.tuple(), payload: 192, size: 56)
    let run = try run(packets + packets.reversed() + packets)
    #expect(run.counts[.forwarded] == 12 && run.counts[.dropped] == 0)
    #expect(run.sessions.first?.inPackets == 12)
  }

  @Test func `datagrams differ by identification, protocol, direction and VLAN, not by LIF`() throws {
    let tuple = Build.tuple()
    let first = Build.fragments(tuple, payload: 100, size: 56)[0]
    let segment = Build.segment(tuple, payload: 100)
    func later(_ tuple: FiveTuple, id: UInt32 = 77, vlans: [UInt16] = []) -> [UInt8] {
      Build.fragment(tuple, segment, 56..<108, id: id, vlans: vlans)
    }
    let strangers = [
      later(tuple, id: 78), later(Build.tuple(1000, .tcp)), later(tuple.reversed), later(tuple, vlans: [5]),
    ]
    let run = try run([first] + strangers)
    #expect(run.counts[.held] == 0 && run.counts[DropReason.fragmentUnresolved] == 4)
    let elsewhere = try WorkerRun([
      MemoryQueue.Packet(first), MemoryQueue.Packet(later(tuple), lif: 2, port: 1),
    ])
    #expect(elsewhere.counts[.matched] == 1 && elsewhere.counts[.laterFragments] == 1)
    #expect(try self.run([first, later(tuple)]).counts[.matched] == 1)
  }

  @Test func `an IPv6 later fragment's next header does not matter`() throws {
    let tuple = Build.tuple(isIPv6: true)
    let packets = Build.fragments(tuple, payload: 100, size: 56)
    var other = packets[1]
    other[14 + 40] = 60
    #expect(try run([packets[0], other]).counts[.matched] == 1)
    // An atomic fragment is none, and takes nothing from the datagram of its identification. RFC 6946.
    let atomic = Build.fragment(tuple, Build.segment(tuple, payload: 10), 0..<18)
    #expect(try run([packets[1], atomic, packets[0]]).counts[.matched] == 2)
  }

  @Test func `with no room, the oldest leave`() throws {
    let tuples = (0..<4).map { Build.tuple(1000 + $0) }
    let later = tuples.enumerated().map { index, tuple in
      Build.fragments(tuple, payload: 100, size: 56, id: UInt32(index))[1]
    }
    let held = try run(later) { $0.fragments.held = 2 }
    #expect(order(held, later) == [0, 1, 2, 3])
    #expect(
      reasons(held) == [.fragmentEvicted, .fragmentEvicted, .fragmentUnresolved, .fragmentUnresolved])
    let datagrams = try run(later) { $0.fragments.datagrams = 3 }
    #expect(reasons(datagrams).count { $0 == .fragmentEvicted } == 1)
    let one = Build.fragments(tuples[0], payload: 600, size: 56)
    let many = try run(Array(one.dropFirst())) { $0.fragments.heldPerDatagram = 3 }
    #expect(many.counts[DropReason.tooManyFragments] == UInt64(one.count - 4))
    #expect(many.counts[DropReason.fragmentUnresolved] == 3)
    let long = try run(later) { $0.fragments.packetSize = 64 }
    #expect(long.counts[DropReason.oversized] == 4)
  }

  @Test func `more gaps than are kept`() throws {
    let tuple = Build.tuple()
    let segment = Build.segment(tuple, payload: 2000)
    let packets = (0..<34).map { Build.fragment(tuple, segment, ($0 * 16)..<($0 * 16 + 8)) }
    #expect(try run(packets).counts[DropReason.tooManyFragments] == 2)
  }

  @Test func `fragments that the capture cut`() throws {
    let packets = Build.fragments(Build.tuple(), payload: 300, size: 104).map { bytes in
      MemoryQueue.Packet(Array(bytes.prefix(60)), originalLength: UInt32(bytes.count))
    }
    let run = try WorkerRun([packets[2], packets[0], packets[1]])
    run.counts.expectEquations()
    #expect(run.counts[.snapped] == 3 && run.counts[.matched] == 2 && run.counts[.bytes] == 3 * 34 + 308)
    #expect(run.transmitted.allSatisfy { $0.bytes.count <= 60 })
    // Ports cut off: a datagram without ports.
    let noPorts = Build.fragments(Build.tuple(), payload: 300, size: 104).map { bytes in
      MemoryQueue.Packet(Array(bytes.prefix(36)), originalLength: UInt32(bytes.count))
    }
    let others = try WorkerRun(noPorts)
    #expect(others.counts[.other] == 3 && others.counts[.forwarded] == 3)
    let noChain = Build.fragments(Build.tuple(isIPv6: true), payload: 300, size: 104).map { bytes in
      MemoryQueue.Packet(Array(bytes.prefix(64)), originalLength: UInt32(bytes.count))
    }
    let others6 = try WorkerRun([noChain[1], noChain[0], noChain[2]])
    #expect(others6.counts[.other] == 3 && others6.counts[.forwarded] == 3)
  }

  @Test func `malformed fragments do not touch their datagram`() throws {
    let tuple = Build.tuple(1000, .tcp)
    let segment = Build.segment(tuple, payload: 100)
    let inside = Build.fragment(tuple, segment, 8..<24)
    let tiny = Build.fragment(tuple, segment, 0..<16)
    let odd = Build.fragment(tuple, segment, 24..<31, more: true)
    let good = Build.fragments(tuple, payload: 100, size: 64)
    let run = try run([good[1], inside, tiny, odd, good[0]])
    #expect(reasons(run) == [.fragmentInsideHeader, .firstFragmentTooShort, .badFragmentLength, nil, nil])
  }
}
