import Dataplane
import PacketIO
import Testing
import TrafficGenerator

@Suite("Generated traffic: what the packet path makes of it")
struct TrafficTotalsTests {
  private static func setup(_ plan: TrafficPlan) -> WorkerSetup {
    var dice = Dice(state: 42)
    let port = WorkerSetup.Port(
      lif: 1, peer: 1, miss: .learn, learnedAction: .forward, nonSession: .forward, mac: MACAddress(0))
    var setup = WorkerSetup(
      workers: 1, capacity: plan.options.flows, ports: [port], waits: true, generator: &dice)
    setup.start = plan.start
    return setup
  }

  private static func expectTotals(_ traffic: Traffic, _ counters: CounterPage) {
    let ends = traffic.plan.sessions
    let context = Comment("\(traffic.plan.options)")
    #expect(counters[.packets] == UInt64(traffic.plan.options.packets), context)
    #expect(counters[.forwarded] == counters[.packets] && counters[.bytes] == traffic.byteCount, context)
    #expect(counters[.closedFINACK] == ends.finACK && counters[.closedRST] == ends.reset, context)
    #expect(counters[.closedTimeout] == ends.timeout && counters[.liveSessions] == ends.live, context)
    let oddities: [Counter] = [
      .implausibleFin, .implausibleReset, .synOnEstablished, .nonsenseFlags, .learnFailed,
    ]
    #expect(oddities.allSatisfy { counters[$0] == 0 }, context)
  }

  @Test func `sessions end as planned, whatever the options`() throws {
    var dice = Dice(state: 11)
    for _ in 0..<150 {
      let traffic = try Traffic(dice.options())
      let setup = Self.setup(traffic.plan)
      var worker = try Worker(setup, index: 0, events: nil)
      var queue = MemoryQueue(traffic.packets.map { MemoryQueue.Packet($0.bytes, time: $0.time) })
      WorkerLoop(setup, commands: CommandRing(), burstLimit: 64).run(&worker, &queue)
      Self.expectTotals(traffic, setup.counters[0])
    }
  }

  @Test func `the queue in memory gives the same packets`() throws {
    let traffic = try Traffic { ($0.flows, $0.packets, $0.families) = (300, 5000, .both) }
    for burstLimit in [1, 64, 256] {
      let setup = Self.setup(traffic.plan)
      let progress = TrafficProgress(totalPackets: 5000)
      var worker = try Worker(setup, index: 0, events: nil)
      var queue = GeneratedQueue(traffic.plan, worker: 0, setup: setup, progress: progress)
      WorkerLoop(setup, commands: CommandRing(), burstLimit: burstLimit).run(&worker, &queue)
      Self.expectTotals(traffic, setup.counters[0])
      #expect(progress.packets == 5000 && progress.bytes == traffic.byteCount)
    }
    var queue = GeneratedQueue(
      traffic.plan, worker: 0, setup: Self.setup(traffic.plan), progress: TrafficProgress(totalPackets: 5000))
    var burst = PacketBurst(limit: 100)
    var position = 0
    while true {
      burst.removeAll()
      guard case .packets = queue.receive(into: &burst) else { break }
      for index in 0..<burst.count {
        let expected = traffic.packets[position]
        let bytes = burst.bytes(index).withUnsafeBytes { Array($0) }
        #expect(bytes == expected.bytes && burst.time(index) == expected.time)
        #expect(burst.sequence(index) == UInt64(position))
        position += 1
      }
    }
    #expect(position == 5000)
  }

  @Test func `a queue that is stopped ends`() throws {
    let plan = try TrafficPlan(TrafficOptions())
    let progress = TrafficProgress(totalPackets: plan.options.packets)
    var queue = GeneratedQueue(plan, worker: 0, setup: Self.setup(plan), progress: progress)
    var burst = PacketBurst(limit: 10)
    guard case .packets = queue.receive(into: &burst) else {
      Issue.record("nothing received")
      return
    }
    progress.stop()
    burst.removeAll()
    guard case .ended = queue.receive(into: &burst) else {
      Issue.record("not ended")
      return
    }
    let left = burst.count
    #expect(left == 0)
  }
}
