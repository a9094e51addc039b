import Dataplane
import PacketIO
import Testing

@Suite("Sessions time out whatever the timestamps of a capture")
struct ReplayTimeTests {
  /// A replay by one worker that learns; each packet is of a UDP flow of its own.
  private func replay(_ seconds: [UInt32], limit: Int = 8) throws -> Counts {
    let input = try TemporaryDirectory()
    var capture = CaptureBytes()
    for (index, second) in seconds.enumerated() {
      capture.add(Build.udp(Build.tuple(UInt16(1000 + index))), seconds: second)
    }
    let sources = try ReplaySources([.init(file: input.write(capture.bytes), lif: 1, port: 0)])
    var setup = WorkerRun.setup()
    setup.start = sources.firstTime() ?? .zero
    var worker = try Worker(setup, index: 0, events: nil)
    var queue = ReplayQueue(
      sources, worker: 0, setup: setup, progress: sources.makeProgress(), writer: nil)
    WorkerLoop(setup, commands: CommandRing(), burstLimit: limit).run(&worker, &queue)
    let counts = Counts(setup.counters)
    counts.expectEquations()
    return counts
  }

  @Test func `after an absurd first timestamp`() throws {
    let counts = try replay([4_000_000_000] + (0..<100).map { 1_700_000_000 + 100 * $0 })
    // Learned UDP sessions end after 60 s: the last packet's is the one that lives.
    #expect(counts[.sessionsOpened] == 101 && counts[.closedTimeout] == 100)
  }

  @Test func `in a capture joined to a newer one`() throws {
    let counts = try replay(
      (0..<50).map { 1_700_000_000 + 100 * $0 } + (0..<50).map { 1_600_000_000 + 100 * $0 })
    #expect(counts[.sessionsOpened] == 100 && counts[.closedTimeout] == 99)
  }

  @Test func `in a capture whose timestamps run wild`() throws {
    // Twice each, so that every one is believed: time comes to the end of its range.
    let wild = (0..<40).flatMap { index in [UInt32](repeating: index % 2 == 0 ? .max : 0, count: 2) }
    let counts = try replay(wild + (0..<20).map { 100 * $0 })
    #expect(counts[.packets] == 100 && counts[.sessionsOpened] == 100 && counts[.closedTimeout] == 99)
  }
}
