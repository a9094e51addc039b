import Dataplane
import PacketIO
import Testing

@Suite("Punted packets and the host port")
struct HostPortTests {
  private static let hostLIF: UInt16 = 9

  private func setup(host: UInt16, miss: MissPolicy, control: TCPControl = .track) -> WorkerSetup {
    var setup = WorkerRun.setup()
    setup.ports[0].host = host
    setup.ports[0].miss = miss
    setup.ports[0].nonSession = .punt
    setup.tcpControl = control
    return setup
  }

  private func lifs(_ setup: WorkerSetup, _ packets: [[UInt8]]) throws -> [UInt16] {
    let run = try WorkerRun(packets.map { MemoryQueue.Packet($0) }, setup: setup)
    #expect(run.transmitted.allSatisfy { $0.decision.kind == .punt })
    #expect(run.counts[.punted] == UInt64(packets.count))
    run.counts.expectEquations()
    return run.transmitted.map(\.decision.outLIF)
  }

  @Test(arguments: [0, hostLIF])
  func `misses and what cannot be a session go there; without one they are counted`(host: UInt16) throws {
    let other = Build.ethernet(0x88CC, [1, 2, 3])
    let packets = [Build.udp(Build.tuple()), Build.udp(Build.tuple(isIPv6: true)), other]
    #expect(try lifs(setup(host: host, miss: .punt), packets) == [host, host, host])
  }

  @Test func `so do control packets past their session, and those that may not open one`() throws {
    let packets = [Build.tcp(Build.tuple(1000, .tcp), .syn)]
    #expect(try lifs(setup(host: Self.hostLIF, miss: .learn, control: .punt), packets) == [Self.hostLIF])
    let tuple = Build.tuple(1000, .tcp)
    let request = SessionRequest(id: SessionID(1), tuple: tuple, action: .forward, cacheTimeout: 100)
    let run = try WorkerRun(
      [MemoryQueue.Packet(Build.tcp(tuple, .syn))],
      setup: setup(host: Self.hostLIF, miss: .drop, control: .punt), requests: [request])
    #expect(run.transmitted.map(\.decision.outLIF) == [Self.hostLIF])
    #expect(run.counts[.punted] == 1 && run.counts[.matched] == 1)
  }
}
