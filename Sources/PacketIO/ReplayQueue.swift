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

  /// - Parameters:
  ///   - sources: what to read; nil for a worker that does not read.
  ///   - writer: where transmitted packets go; nil discards them.
  public init(
    _ sources: ReplaySources?, worker: Int, setup: WorkerSetup, progress: ReplayProgress,
    writer: consuming CaptureWriterSet?
  ) {
    self.sources = sources
    self.worker = worker
    mesh = setup.mesh
    self.progress = progress
    clock = ReplayClock(start: setup.start)
    self.writer = writer
  }

  public mutating func receive(into burst: inout PacketBurst) -> ReceiveStatus {
    guard let sources, !progress.isStopped else { return .ended }
    retire(sources)
    sources.fill(&burst, &clock)
    progress.note(bytesRead: sources.bytesRead, clock: clock)
    if !burst.isEmpty { return .packets }
    if let error = sources.error { progress.fail(error) }
    return .ended
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
