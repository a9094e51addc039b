import Dataplane
import PacketIO
import Testing

@Suite("A worker that changes between two bursts")
struct WorkerChangeTests {
  private func worker(ports: [WorkerSetup.Port]) throws -> Worker {
    var generator = SplitMix64(state: 7)
    let setup = WorkerSetup(workers: 1, capacity: 100, ports: ports, waits: true, generator: &generator)
    return try Worker(setup, index: 0, events: nil)
  }

  private func port(_ lif: UInt16, _ learned: Action = .forward) -> WorkerSetup.Port {
    WorkerSetup.Port(
      lif: lif, peer: lif, miss: .learn, learnedAction: learned, nonSession: .forward, mac: MACAddress(2))
  }

  private func change(_ ports: [(place: Int, port: WorkerSetup.Port)], udp: UInt32 = 60) -> WorkerChange {
    var timeouts = Timeouts()
    timeouts.learnedUDP = udp
    return WorkerChange(
      ports: ports, timeouts: timeouts, tcpControl: .track, neighbors: [], routes: [], copies: .ethernet,
      secret: FlowSecret(1, 2, 3, 4), queue: nil)
  }

  @Test func `policies are held for ports that are there, and for no others`() throws {
    var worker = try worker(ports: [port(1), port(2)])
    // Both ports learn alike: a policy for TCP and one for UDP.
    #expect(worker.sessions.policies.count == 2)
    for round in 0..<10 {
      let change = change([(0, port(1, .drop)), (7, port(9))], udp: UInt32(round + 1))
      let prepare = SessionBatch(.prepare(change))
      worker.apply(prepare)
      #expect(prepare.isDone && prepare.isGranted)
      #expect(worker.sessions.policies.count > 2, "before and after are both held")
      worker.apply(SessionBatch(.commit(change)))
      #expect(worker.sessions.policies.count == 4, "two ports that learn otherwise")
    }
    let none = change([])
    worker.apply(SessionBatch(.prepare(none)))
    worker.apply(SessionBatch(.commit(none)))
    #expect(worker.sessions.policies.count == 0)
    #expect(worker.sessions.checkInvariants(keptPolicies: []) == [])
  }

  @Test func `what is abandoned leaves nothing`() throws {
    var worker = try worker(ports: [port(1), port(2)])
    let change = change([(0, port(1, .drop)), (1, port(2)), (2, port(3))], udp: 5)
    worker.apply(SessionBatch(.prepare(change)))
    worker.apply(SessionBatch(.abandon(change)))
    #expect(worker.sessions.policies.count == 2)
    // A second time there is nothing to let go of.
    worker.apply(SessionBatch(.abandon(change)))
    #expect(worker.sessions.policies.count == 2)
  }
}
