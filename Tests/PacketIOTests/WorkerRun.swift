import Dataplane
import PacketIO

/// One worker taken through packets in this thread, and all that came out.
struct WorkerRun {
  let counts: Counts
  /// Ended sessions in the order of their ends, then those still live.
  let sessions: [SessionSnapshot]
  let transmitted: [MemoryQueue.Transmitted]
  let copies: [MemoryQueue.TransmittedCopy]
  let outcomes: [AddOutcome]

  static let port1 = WorkerSetup.Port(
    lif: 1, peer: 2, miss: .learn, learnedAction: .forward, nonSession: .forward,
    mac: MACAddress(0x0200_0000_0101))
  static let port2 = WorkerSetup.Port(
    lif: 2, peer: 1, miss: .learn, learnedAction: .forward, nonSession: .forward,
    mac: MACAddress(0x0200_0000_0202))

  static func setup(workers: Int = 1, capacity: Int = 10_000) -> WorkerSetup {
    var generator = SplitMix64(state: 42)
    return WorkerSetup(
      workers: workers, capacity: capacity, ports: [port1, port2], waits: true, generator: &generator)
  }

  /// - Parameter requests: sessions added before the first packet.
  init(
    _ packets: [MemoryQueue.Packet], setup: WorkerSetup = WorkerRun.setup(), requests: [SessionRequest] = [],
    burstLimit: Int = 64, burstSizes: [Int] = [], isRecording: Bool = true
  ) throws {
    let events = SessionEvents(capacity: 1 << 17)
    var worker = try Worker(setup, index: 0, events: events)
    let batch = SessionBatch(.add(requests, replacing: false))
    worker.apply(batch)
    var queue = MemoryQueue(packets, burstSizes: burstSizes, isRecording: isRecording)
    WorkerLoop(setup, commands: CommandRing(), burstLimit: burstLimit).run(&worker, &queue)
    counts = Counts(setup.counters)
    sessions = Self.drain(events)
    transmitted = queue.transmitted
    copies = queue.copies
    outcomes = batch.outcomes.map(\.outcome)
  }

  static func drain(_ events: SessionEvents) -> [SessionSnapshot] {
    var all: [SessionSnapshot] = []
    while let session = events.take() { all.append(session) }
    return all
  }
}

extension SessionSnapshot {
  /// Without what depends on the worker and its table: the id that a server assigns.
  var comparable: String {
    "\(tuple) \(inLIF) \(outLIF) \(action) \(isLearned) \(state) \(closeCode) "
      + "\(inPackets)/\(inBytes) \(outPackets)/\(outBytes) "
      + "\(start.nanoseconds)...\(end.nanoseconds) \(lastSeen.nanoseconds)"
  }
}
