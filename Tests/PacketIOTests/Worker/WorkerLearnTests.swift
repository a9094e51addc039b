import Dataplane
import PacketIO
import Testing

@Suite("Learning beside sessions of the same tuple on other LIFs")
struct WorkerLearnTests {
  private static let secrets = 0..<UInt64(32)
  private static let lan = LIF(number: 1)
  private static let wan = LIF(number: 3)

  private func run(
    _ packets: [MemoryQueue.Packet], requests: [SessionRequest], secret: UInt64,
    learned: Action = .forward, burstLimit: Int = 64
  ) throws -> WorkerRun {
    var generator = SplitMix64(state: secret)
    var ports = [WorkerRun.port1, WorkerRun.port2]
    for index in ports.indices { ports[index].learnedAction = learned }
    let setup = WorkerSetup(
      workers: 1, capacity: 100, ports: ports, waits: true, generator: &generator)
    let run = try WorkerRun(packets, setup: setup, requests: requests, burstLimit: burstLimit)
    run.counts.expectEquations()
    #expect(run.outcomes.allSatisfy { $0 == .added })
    return run
  }

  private func request(
    _ id: UInt64 = 7, _ tuple: FiveTuple = Build.tuple(), in inLIF: LIF = lan, out outLIF: LIF = wan,
    timeout: UInt32 = 100
  ) -> SessionRequest {
    SessionRequest(
      id: SessionID(id), inLIF: inLIF, outLIF: outLIF, tuple: tuple, action: .forward, cacheTimeout: timeout)
  }

  /// A packet on LIF 1 or 2.
  private func packet(_ bytes: [UInt8] = Build.udp(Build.tuple()), lif: UInt16, at seconds: Double = 0)
    -> MemoryQueue.Packet
  {
    MemoryQueue.Packet(bytes, time: .seconds(seconds), lif: lif, port: UInt8(lif - 1))
  }

  @Test(arguments: [Action.forward, .drop], [1, 64])
  func `a live session in the way: not learned, but treated so`(learned: Action, burst: Int) throws {
    let back = Build.udp(Build.tuple().reversed)
    let packets = [
      packet(lif: 2), packet(lif: 1), packet(back, lif: 2), packet(lif: 1), packet(lif: 2), packet(lif: 1),
    ]
    for secret in Self.secrets {
      let run = try run(packets, requests: [request()], secret: secret, learned: learned, burstLimit: burst)
      let missed: Verdict.Kind = learned == .drop ? .drop : .forward
      #expect(
        run.transmitted.map(\.decision.kind) == [missed, .forward, missed, .forward, missed, .forward])
      // What is missed leaves by the peer, the session's packets by its own LIF.
      #expect(
        run.transmitted.map(\.decision.outLIF)
          == (learned == .drop ? [0, 3, 0, 3, 0, 3] : [1, 3, 1, 3, 1, 3]))
      #expect(run.counts[.missed] == 3 && run.counts[.learnFailed] == 3 && run.counts[.matched] == 3)
      #expect(run.counts[DropReason.sessionDrop] == (learned == .drop ? 3 : 0))
      #expect(run.counts[.sessionsOpened] == 1 && run.sessions.map(\.inPackets) == [3])
      #expect(run.sessions.map(\.outPackets) == [0])
    }
  }

  @Test func `a closed session in the way no longer lingers`() throws {
    let tuple = Build.tuple(1000, .tcp)
    let packets = [
      packet(Build.tcp(tuple, .ack), lif: 1), packet(Build.tcp(tuple, .rst), lif: 1),
      packet(Build.tcp(tuple, .ack), lif: 2), packet(Build.tcp(tuple, .ack), lif: 1),
    ]
    for secret in Self.secrets {
      let run = try run(packets, requests: [request(7, tuple)], secret: secret)
      #expect(run.counts[.learnFailed] == 0 && run.counts[.missed] == 1 && run.counts[.matched] == 3)
      #expect(run.sessions.map(\.closeCode) == [.reset, .notClosed])
      #expect(run.sessions.map(\.isLearned) == [false, true] && run.sessions.map(\.inPackets) == [2, 2])
    }
  }

  @Test func `an expired session in the way ends first`() throws {
    // In one burst: what is due within it nobody has ended yet.
    let packets = [packet(lif: 1), packet(lif: 2, at: 50), packet(lif: 1, at: 51)]
    for secret in Self.secrets {
      let run = try run(packets, requests: [request(timeout: 10)], secret: secret)
      #expect(run.counts[.learnFailed] == 0 && run.counts[.missed] == 1 && run.counts[.matched] == 2)
      #expect(run.sessions.map(\.closeCode) == [.timeout, .notClosed])
      #expect(run.sessions.map(\.isLearned) == [false, true] && run.sessions.map(\.inPackets) == [1, 2])
    }
  }

  @Test(arguments: [false, true])
  func `behind an expired session of the tuple a live one is found`(expiredIsFirst: Bool) throws {
    let expired = request(7, timeout: 10)
    let live = request(8, in: LIF(number: 2), out: LIF(number: 4), timeout: 1000)
    let packets = [
      packet(lif: 1), packet(lif: 2, at: 50), packet(lif: 1, at: 50), packet(lif: 2, at: 51),
    ]
    for secret in Self.secrets {
      let run = try run(
        packets, requests: expiredIsFirst ? [expired, live] : [live, expired], secret: secret)
      #expect(run.transmitted.map(\.decision.outLIF) == [3, 4, 2, 4])
      #expect(run.counts[.missed] == 1 && run.counts[.learnFailed] == 1 && run.counts[.matched] == 3)
      #expect(run.sessions.map(\.id.rawValue) == [7, 8] && run.sessions.map(\.inPackets) == [1, 2])
      #expect(run.sessions.map(\.closeCode) == [.timeout, .notClosed])
    }
  }
}
