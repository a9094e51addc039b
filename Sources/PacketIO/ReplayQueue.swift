public import Dataplane
import Glibc

/// The queue of a replaying worker: captures merged by time on one side, capture files on the other.
///
/// Worker 0 reads; the others have a queue without sources and live on what it hands over.
public struct ReplayQueue: PacketQueue, ~Copyable {
  /// Blocks kept for packets handed over that were not dealt with yet, before reading waits.
  private static let mostRetired = 8

  private let sources: ReplaySources?
  private var clock: ReplayClock
  private let worker: Int
  private let mesh: HandoffMesh
  private let progress: ReplayProgress
  private var retired: [(block: FileBlock, mark: [Int])] = []
  private var writer: CaptureWriterSet?
  /// nil when packets go to the worker as they are read.
  private var shaper: ReplayShaper?

  /// - Parameters:
  ///   - sources: what to read; nil for a worker that does not read.
  ///   - shaping: what is done to packets on their way in.
  ///   - writer: where transmitted packets go; nil discards them.
  public init(
    _ sources: ReplaySources?, worker: Int, setup: WorkerSetup, progress: ReplayProgress,
    shaping: ReplayShaping = ReplayShaping(), writer: consuming CaptureWriterSet?
  ) {
    self.init(
      sources, worker: worker, mesh: setup.mesh, start: setup.start, progress: progress, shaping: shaping,
      writer: writer)
  }

  /// - Parameters:
  ///   - mesh: says when packets that were passed on have been dealt with.
  ///   - start: the time before the captures' first packet.
  package init(
    _ sources: ReplaySources?, worker: Int, mesh: HandoffMesh, start: PacketTime, progress: ReplayProgress,
    shaping: ReplayShaping, writer: consuming CaptureWriterSet?
  ) {
    shaper = nil
    if sources != nil, !shaping.isPlain {
      shaper = ReplayShaper(shaping, start: start)
      if shaper == nil, let sources {
        progress.fail(sources.failure("no memory to remember conversations in for --split"))
      }
    }
    self.sources = sources
    self.worker = worker
    self.mesh = mesh
    self.progress = progress
    clock = ReplayClock(start: start)
    self.writer = writer
  }

  public mutating func receive(into burst: inout PacketBurst) -> ReceiveStatus {
    guard let sources, !progress.isStopped else { return .ended }
    if shaper != nil { return receiveShaped(sources, into: &burst) }
    retire(sources)
    sources.fill(&burst, &clock)
    progress.note(bytesRead: sources.bytesRead, clock: clock)
    if !burst.isEmpty { return .packets }
    if let error = sources.error { progress.fail(error) }
    return .ended
  }

  /// The same for packets that are filtered, split, paced or replayed again.
  private mutating func receiveShaped(
    _ sources: ReplaySources, into burst: inout PacketBurst
  ) -> ReceiveStatus {
    while !progress.isStopped {
      if shaper?.isEmpty ?? true {
        // Packets that were not due yet lay in these blocks.
        retire(sources)
        let hasMore = shaper?.read(sources, &clock) ?? false
        note(sources)
        if !hasMore, !beginRound(sources) { return .ended }
      }
      let wait = shaper?.release(into: &burst, now: WallClock.now) ?? 0
      if !burst.isEmpty {
        progress.note(wait: 0)
        return .packets
      }
      if wait > 0 {
        progress.note(wait: wait)
        WallClock.sleep(atMost: wait)
        return .idle
      }
    }
    return .ended
  }

  /// Goes back to the beginning of the captures; false when they have been replayed often enough.
  private mutating func beginRound(_ sources: ReplaySources) -> Bool {
    if let error = sources.error {
      progress.fail(error)
      return false
    }
    switch shaper?.beginRound(&clock) ?? .end {
    case .end: break
    case .another:
      guard !sources.rewind() else { return true }
      progress.fail(sources.failure("cannot be read a second time, as --loop asks"))
    case .pastTheEndOfTime:
      let round = (shaper?.rounds.index ?? 0) + 2
      progress.fail(sources.failure("in round \(round) of --loop packet time would pass the year 2554"))
    }
    return false
  }

  private func note(_ sources: ReplaySources) {
    let rounds = shaper?.rounds.index ?? 0
    progress.note(bytesRead: rounds &* (sources.totalBytes ?? 0) &+ sources.bytesRead, clock: clock)
    progress.note(
      rounds: rounds + 1, filteredOut: shaper?.filteredOut ?? 0, forgotten: shaper?.forgotten ?? 0)
  }

  public mutating func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {
    guard writer != nil else { return }
    writer?.write(burst, &outcome)
    if let error = writer?.error { progress.fail(error) }
  }

  public mutating func finish() {
    writer?.close()
    if let error = writer?.error { progress.fail(error) }
  }

  /// Lets go of blocks behind, once what was handed over from them has been dealt with.
  private mutating func retire(_ sources: ReplaySources) {
    let left = sources.takeRetired()
    if !left.isEmpty {
      let mark = mesh.mark(from: worker)
      retired += left.map { ($0, mark) }
    }
    guard !retired.isEmpty else { return }
    repeat {
      let mesh = mesh
      let worker = worker
      let blocks = sources.blocks
      retired.removeAll { entry in
        guard mesh.isDone(entry.mark, from: worker) else { return false }
        blocks.giveBack(entry.block)
        return true
      }
      if retired.count > Self.mostRetired { sched_yield() }
    } while retired.count > Self.mostRetired
  }
}
