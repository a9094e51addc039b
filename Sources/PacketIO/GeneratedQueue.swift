public import Dataplane
import Glibc
public import TrafficGenerator

/// Generated traffic as a worker's queue: made when it is received, so that it takes no memory of its own but
/// some blocks of packets. What is transmitted is discarded.
///
/// Worker 0 receives; the others have a queue without traffic and live on what it hands over. It must outlive
/// the run.
@safe public struct GeneratedQueue: PacketQueue, ~Copyable {
  /// Blocks whose packets may still be with other workers.
  private static let blockCount = 8

  private let worker: Int
  private let mesh: HandoffMesh
  private let progress: TrafficProgress
  private var stream: TrafficStream?
  /// `blockCount` blocks of a burst's packets, `frameCapacity` bytes each; empty without traffic.
  private let memory: UnsafeMutableRawPointer
  private let frameCapacity: Int
  /// By block: how far had been handed over when it was left; empty for one never used.
  private var marks = [[Int]](repeating: [], count: Self.blockCount)
  private var block = 0

  /// - Parameter plan: what to receive; nil for a worker that does not.
  public init(_ plan: TrafficPlan?, worker: Int, setup: WorkerSetup, progress: TrafficProgress) {
    self.worker = worker
    mesh = setup.mesh
    self.progress = progress
    stream = plan.map { TrafficStream($0) }
    frameCapacity = plan?.frameCapacity ?? 0
    unsafe memory = .allocate(
      byteCount: max(1, Self.blockCount * PacketBurst.capacity * frameCapacity), alignment: 64)
  }

  deinit { unsafe memory.deallocate() }

  public mutating func receive(into burst: inout PacketBurst) -> ReceiveStatus {
    guard stream != nil, !progress.isStopped else { return .ended }
    marks[block] = mesh.mark(from: worker)
    block = (block + 1) % Self.blockCount
    // What was handed over from this block the last time must have been dealt with.
    while !marks[block].isEmpty, !mesh.isDone(marks[block], from: worker) { sched_yield() }
    fill(&burst)
    progress.note(packets: stream?.packets ?? 0, bytes: stream?.bytes ?? 0)
    return burst.isEmpty ? .ended : .packets
  }

  public mutating func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {}

  public mutating func finish() {}

  private mutating func fill(_ burst: inout PacketBurst) {
    while !burst.isFull {
      // SAFETY: the memory has room for a burst's packets in each block; a burst holds at most that many.
      let start = unsafe memory + (block * PacketBurst.capacity + burst.count) * frameCapacity
      var frame = unsafe MutableRawSpan(_unsafeStart: start, byteCount: frameCapacity)
      let sequence = stream?.packets ?? 0
      guard let packet = stream?.next(into: &frame) else { return }
      // SAFETY: the bytes stay as they are until the block's turn comes again.
      unsafe burst.append(
        PacketDescriptor(
          start: start, capturedLength: UInt32(packet.length), originalLength: UInt32(packet.length),
          time: packet.time, captureTime: packet.time.nanoseconds, sequence: sequence, lif: 1, port: 0,
          link: .ethernet))
    }
  }
}
