import Dataplane
import PacketIO
import Testing

@Suite("A worker decides by sessions and policies")
struct WorkerPolicyTests {
  private let udp = Build.udp(Build.tuple())

  private func run(
    _ packets: [[UInt8]], link: LinkType = .ethernet, requests: [SessionRequest] = [],
    _ change: (inout WorkerSetup) -> Void = { _ in }
  ) throws -> WorkerRun {
    var setup = WorkerRun.setup()
    change(&setup)
    let run = try WorkerRun(
      packets.map { MemoryQueue.Packet($0, link: link) }, setup: setup, requests: requests)
    run.counts.expectEquations()
    return run
  }

  @Test func `an empty queue counts nothing`() throws {
    let run = try run([])
    #expect(run.counts[.packets] == 0 && run.counts[.bursts] == 0 && run.sessions.isEmpty)
  }

  @Test(arguments: [MissPolicy.punt, .forward, .drop])
  func `a packet without session follows the miss policy`(policy: MissPolicy) throws {
    let run = try run([udp]) { $0.ports[0].miss = policy }
    let expected: Verdict.Kind = policy == .punt ? .punt : policy == .forward ? .forward : .drop
    #expect(run.transmitted.map(\.decision.kind) == [expected])
    #expect(run.transmitted[0].decision.outLIF == (policy == .forward ? 2 : 0))
    #expect(run.counts[.missed] == 1 && run.counts[.matched] == 0)
    #expect(run.counts[DropReason.missDrop] == (policy == .drop ? 1 : 0))
    #expect(run.counts[.sessionsOpened] == 0)
  }

  @Test func `learn opens a session that the rest of the burst finds`() throws {
    let run = try run([udp, udp, Build.udp(Build.tuple().reversed, payload: 100)])
    #expect(run.counts[.missed] == 1 && run.counts[.matched] == 2 && run.counts[.sessionsOpened] == 1)
    #expect(run.counts[.forwarded] == 3 && run.counts[.liveSessions] == 1)
    let session = try #require(run.sessions.first)
    #expect(session.inPackets == 2 && session.outPackets == 1 && session.isLearned)
    #expect(session.inBytes == UInt64(2 * udp.count) && session.outBytes == 142)
    #expect(session.tuple == Build.tuple() && session.state == .established)
  }

  @Test func `learned sessions may drop`() throws {
    let run = try run([udp, udp]) { $0.ports[0].learnedAction = .drop }
    #expect(
      run.counts[DropReason.sessionDrop] == 2 && run.counts[.missed] == 1 && run.counts[.transmitted] == 0)
  }

  @Test func `a full table forwards what it cannot learn`() throws {
    let packets = (0..<20).map { MemoryQueue.Packet(Build.udp(Build.tuple(1000 + $0))) }
    let run = try WorkerRun(packets, setup: WorkerRun.setup(capacity: 8))
    run.counts.expectEquations()
    #expect(run.counts[.sessionsOpened] == 8 && run.counts[.learnFailed] == 12)
    #expect(run.counts[.missed] == 20 && run.counts[.forwarded] == 20)
  }

  @Test(arguments: [NonSessionPolicy.forward, .punt, .drop])
  func `what cannot be a session follows the non-session policy`(policy: NonSessionPolicy) throws {
    let others = [
      Build.ethernet(0x88CC, [UInt8](repeating: 1, count: 50)),
      Build.ethernet(0x0800, Build.ip(Build.client, Build.server, 89, [1, 2, 3, 4])),
    ]
    let run = try run(others) { $0.ports[0].nonSession = policy }
    let expected: Verdict.Kind = policy == .punt ? .punt : policy == .forward ? .forward : .drop
    #expect(run.transmitted.map(\.decision.kind) == [expected, expected])
    #expect(run.counts[.other] == 2)
    #expect(run.counts[DropReason.nonSessionDrop] == (policy == .drop ? 2 : 0))
  }

  @Test func `an unknown link is other`() throws {
    let run = try run([[1, 2, 3]], link: .other)
    #expect(run.counts[.other] == 1 && run.counts[.forwarded] == 1)
  }

  @Test func `malformed packets are dropped by reason`() throws {
    var badVersion = udp
    badVersion[14] = 0x55
    let run = try run([[1, 2, 3], badVersion, Array(udp.prefix(20)), udp])
    #expect(run.counts[DropReason.truncatedEthernet] == 1)
    #expect(run.counts[DropReason.badIPv4Version] == 1)
    #expect(run.counts[DropReason.truncatedIPv4] == 1)
    #expect(run.counts[.dropped] == 3 && run.counts[.other] == 3 && run.counts[.missed] == 1)
  }

  @Test func `a snapped packet counts with its original length`() throws {
    let packets = [
      MemoryQueue.Packet(Array(Build.udp(Build.tuple(), payload: 1000).prefix(60)), originalLength: 1042),
      MemoryQueue.Packet(Array(udp.prefix(20)), originalLength: 500),
    ]
    let run = try WorkerRun(packets)
    run.counts.expectEquations()
    #expect(run.counts[.snapped] == 2 && run.counts[.bytes] == 1542)
    #expect(run.sessions.first?.inBytes == 1042)
    #expect(run.counts[.other] == 1 && run.counts[.missed] == 1)
  }

  @Test func `tcp_control punt leaves control packets to the host`() throws {
    let tuple = Build.tuple(1000, .tcp)
    let request = SessionRequest(id: SessionID(7), tuple: tuple, action: .forward, cacheTimeout: 100)
    let packets = [
      Build.tcp(tuple, .syn), Build.tcp(tuple, [.ack]), Build.tcp(tuple, [.fin, .ack]),
      Build.tcp(tuple, .rst),
    ]
    let run = try run(packets, requests: [request]) { $0.tcpControl = .punt }
    #expect(run.transmitted.map(\.decision.kind) == [.punt, .forward, .punt, .punt])
    #expect(run.counts[.matched] == 4 && run.counts[.liveSessions] == 1)
  }

  @Test func `FIN, last ACK and a SYN that reopens in one burst`() throws {
    let tuple = Build.tuple(1000, .tcp)
    let back = tuple.reversed
    let packets = [
      Build.tcp(tuple, .syn, sequence: 100, acknowledgment: 0),
      Build.tcp(back, [.syn, .ack], sequence: 500, acknowledgment: 101),
      Build.tcp(tuple, .ack, sequence: 101, acknowledgment: 501),
      Build.tcp(tuple, [.fin, .ack], sequence: 101, acknowledgment: 501),
      Build.tcp(back, [.fin, .ack], sequence: 501, acknowledgment: 102),
      Build.tcp(tuple, .ack, sequence: 102, acknowledgment: 502),
      Build.tcp(tuple, .ack, sequence: 102, acknowledgment: 502),
      Build.tcp(tuple, .syn, sequence: 9000, acknowledgment: 0),
      Build.tcp(back, [.syn, .ack], sequence: 700, acknowledgment: 9001),
    ]
    let run = try run(packets)
    #expect(run.counts[.sessionsOpened] == 2 && run.counts[.closedFINACK] == 1)
    #expect(run.counts[.missed] == 2 && run.counts[.matched] == 7 && run.counts[.liveSessions] == 1)
    #expect(run.sessions.map(\.closeCode) == [.finACK, .notClosed])
    #expect(run.sessions.map(\.inPackets) == [5, 1] && run.sessions.map(\.outPackets) == [2, 1])
  }
}
