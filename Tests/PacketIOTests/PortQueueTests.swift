import Dataplane
import PacketIO
import Testing

@Suite("The queue of a daemon's ports")
struct PortQueueTests {
  private let clock = MonotonicClock()

  private func setup(peer: UInt16) -> WorkerSetup {
    var port = WorkerRun.port1
    port.peer = peer
    port.miss = .forward
    var generator = SplitMix64(state: 42)
    return WorkerSetup(
      workers: 1, capacity: 100, ports: [port, WorkerRun.port2], waits: true, generator: &generator)
  }

  private func memory(packets: Int, rate: ReplayRate = .max) throws -> PortQueue.MemorySource {
    let traffic = try MemoryTraffic(
      MemoryTraffic.Options(flows: 3, packets: packets, size: 64, seed: 1), workers: 1, owner: { _ in 0 })
    return PortQueue.MemorySource(
      traffic, ends: (Arrival(lif: 1, port: 0), Arrival(lif: 2, port: 1)), rate: rate)
  }

  private func queue(
    _ setup: WorkerSetup, feeds: [CaptureFeed] = [], memory: [PortQueue.MemorySource] = [],
    counters: PortCounters = PortCounters(ports: 2), stop: StopSignal = StopSignal()
  ) -> PortQueue {
    PortQueue(
      worker: 0, setup: setup, clock: clock, feeds: feeds, memory: memory, counters: counters,
      positions: PortPositions(setup.ports), stop: stop)
  }

  @Test func `memory comes over and over, in the present, and is counted by port`() throws {
    let counters = PortCounters(ports: 2)
    let setup = setup(peer: 2)
    var queue = queue(setup, memory: [try memory(packets: 10)], counters: counters)
    var worker = try Worker(setup, index: 0, events: nil)
    var burst = PacketBurst()
    let before = clock.now
    for round in 1...3 {
      burst.removeAll()
      #expect(queue.receive(into: &burst) == .packets)
      #expect(burst.count == 64)
      #expect(burst.time(0) >= before)
      #expect(burst.time(63) == burst.time(0))
      worker.take(&burst, through: &queue)
      #expect(counters.received(0).packets + counters.received(1).packets == UInt64(64 * round))
    }
    #expect(counters.received(0).packets > 0 && counters.received(1).packets > 0)
    #expect(counters.received(0).bytes == 64 * counters.received(0).packets)
    // Each port's packets leave by the other one.
    #expect(counters.transmitted(1) == counters.received(0))
    #expect(counters.transmitted(0) == counters.received(1))
  }

  @Test func `a LIF that no port has cannot be sent to`() throws {
    let counters = PortCounters(ports: 2)
    let setup = setup(peer: 9)
    var queue = queue(setup, memory: [try memory(packets: 10)], counters: counters)
    var worker = try Worker(setup, index: 0, events: nil)
    var burst = PacketBurst()
    #expect(queue.receive(into: &burst) == .packets)
    worker.take(&burst, through: &queue)
    let counts = Counts(setup.counters)
    #expect(counts[DropReason.transmitFailed] == counters.received(0).packets)
    #expect(counts[.transmitted] == counters.transmitted(0).packets)
    counts.expectEquations()
  }

  @Test func `what is punted to a port counts as transmitted there`() throws {
    let counters = PortCounters(ports: 2)
    var setup = setup(peer: 1)
    for index in setup.ports.indices {
      setup.ports[index].miss = .punt
      setup.ports[index].host = 2
    }
    var queue = queue(setup, memory: [try memory(packets: 10)], counters: counters)
    var worker = try Worker(setup, index: 0, events: nil)
    var burst = PacketBurst()
    #expect(queue.receive(into: &burst) == .packets)
    worker.take(&burst, through: &queue)
    let counts = Counts(setup.counters)
    #expect(counts[.punted] == 64 && counts[.transmitted] == 64)
    #expect(counters.transmitted(1).packets == 64 && counters.transmitted(0).packets == 0)
    counts.expectEquations()
  }

  @Test func `without packets it is idle, for as long as none is due`() throws {
    var burst = PacketBurst()
    var silent = queue(setup(peer: 2))
    #expect(silent.receive(into: &burst) == .idle)
    #expect(silent.longestSleep == .max)
    #expect(silent.presentTime != nil)
    var paced = queue(setup(peer: 2), memory: [try memory(packets: 10, rate: .packetsPerSecond(1))])
    #expect(paced.receive(into: &burst) == .packets)
    #expect(burst.count == 1)
    burst.removeAll()
    #expect(paced.receive(into: &burst) == .idle)
    let wait = paced.longestSleep
    #expect(wait > 500_000_000 && wait <= 1_000_000_000)
  }

  @Test func `a stop ends it`() throws {
    let stop = StopSignal()
    var queue = queue(setup(peer: 2), memory: [try memory(packets: 10)], stop: stop)
    var burst = PacketBurst()
    stop.set()
    #expect(queue.receive(into: &burst) == .ended)
  }

  @Test func `packets of a capture have its times beside the present one`() throws {
    let directory = try TemporaryDirectory()
    let packet = Build.udp(Build.tuple())
    var capture = CaptureBytes()
    capture.add(packet, seconds: 7)
    let path = try directory.write(capture.bytes)
    let sources = try ReplaySources([ReplaySources.Source(file: path, lif: 2, port: 1)])
    let feed = CaptureFeed(.files(sources), ports: [1], rounds: 1) { _ in ReplayShaping() }
    let setup = setup(peer: 2)
    var queue = queue(setup, feeds: [feed])
    let before = clock.now
    try feed.start(index: 0, waking: setup.mesh.doorbells[0])
    var burst = PacketBurst()
    while queue.receive(into: &burst) == .idle {}
    #expect(burst.count == 1)
    #expect(burst.lif(0) == 2)
    #expect(burst.port(0) == 1)
    #expect(burst.captureTime(0) == 7_000_000_000)
    #expect(burst.time(0) >= before)
    burst.removeAll()
    #expect(queue.receive(into: &burst) == .idle)
    while !feed.isFinished {}
    feed.stop()
    queue.finish()
    feed.join()
  }
}
