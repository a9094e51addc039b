import Dataplane
import PacketIO
import Testing

@Suite("The size of bursts does not matter")
struct WorkerBurstTests {
  private func outcome(_ run: WorkerRun) -> ([String], [String]) {
    (
      run.sessions.map(\.comparable).sorted(),
      run.transmitted.map { "\($0.sequence) \($0.decision.kind) \($0.decision.outLIF) \($0.bytes.count)" }
    )
  }

  private func compare(seed: UInt64, capacity: Int, spacing: UInt64) throws {
    let packets = Traffic.random(4000, spacing: spacing, seed: seed)
    var setup: WorkerSetup {
      var setup = WorkerRun.setup(capacity: capacity)
      setup.start = packets[0].time
      return setup
    }
    let reference = try WorkerRun(packets, setup: setup, burstLimit: 1)
    reference.counts.expectEquations()
    #expect(reference.counts[.packets] == 4000)
    #expect(reference.counts[.closedTimeout] > 10 && reference.counts[.closedRST] > 10)
    #expect((reference.counts[.learnFailed] > 100) == (capacity < 20))
    for limit in [2, 63, 64, 256] {
      let run = try WorkerRun(packets, setup: setup, burstLimit: limit)
      run.counts.expectEquations()
      #expect(run.counts.comparable == reference.counts.comparable, "bursts of \(limit), seed \(seed)")
      #expect(outcome(run) == outcome(reference), "bursts of \(limit), seed \(seed)")
    }
    let mixed = try WorkerRun(packets, setup: setup, burstLimit: 256, burstSizes: [1, 200, 3, 64, 256, 17])
    #expect(mixed.counts.comparable == reference.counts.comparable, "mixed bursts, seed \(seed)")
    #expect(outcome(mixed) == outcome(reference), "mixed bursts, seed \(seed)")
  }

  @Test(arguments: 1...6)
  func `counters and sessions are the same for bursts of 1 to 256`(seed: UInt64) throws {
    try compare(seed: seed, capacity: 1000, spacing: 50_000_000)
  }

  @Test(arguments: 7...8)
  func `also when the table is mostly full`(seed: UInt64) throws {
    try compare(seed: seed, capacity: 12, spacing: 1_000_000_000)
  }

  @Test func `rounds repeat the packets at later times`() throws {
    let setup = WorkerRun.setup()
    var worker = try Worker(setup, index: 0, events: nil)
    var queue = MemoryQueue(
      [MemoryQueue.Packet(Build.udp(Build.tuple())), MemoryQueue.Packet(Build.udp(Build.tuple()))],
      burstSizes: [3, 64], rounds: 5, roundLength: 100 * PacketTime.nanosecondsPerSecond)
    WorkerLoop(setup, commands: CommandRing()).run(&worker, &queue)
    let counts = Counts(setup.counters)
    counts.expectEquations()
    #expect(counts[.packets] == 10 && counts[.bursts] == 2 && counts[.missed] == 5)
    #expect(counts[.closedTimeout] == 4 && queue.isFinished && queue.transmittedCount == 10)
  }
}
