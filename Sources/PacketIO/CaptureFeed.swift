package import Dataplane
import Glibc
import Synchronization

/// Plays captures to a running worker: a thread that reads, shapes and paces as a replay does, and passes the
/// packets on through a ring, so that no disk, pipe or pause between packets holds up the worker.
///
/// Regular files of a dataplane are one feed, merged by time; each pipe is one of its own.
package final class CaptureFeed: @unchecked Sendable {
  // SAFETY (@unchecked): `sources` is used by the feed's thread only; everything else is Sendable.

  /// What a feed plays.
  package enum Source {
    /// Files that were opened and assigned to ports.
    case files(ReplaySources)
    /// A pipe, opened by the feed's thread, for its writer may be late; all that comes arrives on one port.
    case pipe(String, Arrival)
  }

  /// The positions of the ports that it feeds.
  package let ports: [Int]
  package let progress: ReplayProgress
  /// From the feed (0) to the worker (1).
  let mesh = HandoffMesh(workers: 2, waits: true)
  private let source: Source
  private let shape: @Sendable (ReplaySources) throws(CaptureError) -> ReplayShaping
  private let stopSignal: StopSignal
  private let abandoned = Atomic<Bool>(false)
  private let finished = Atomic<Bool>(false)
  private let thread = Mutex<WorkerThread?>(nil)

  /// - Parameter shape: what is done to the packets of opened captures; asked once, on the feed's thread.
  package init(
    _ source: Source, ports: [Int], rounds: UInt64?,
    shape: @escaping @Sendable (ReplaySources) throws(CaptureError) -> ReplayShaping
  ) {
    self.source = source
    self.ports = ports
    self.shape = shape
    switch source {
    case .files(let sources):
      progress = sources.makeProgress(rounds: rounds)
      stopSignal = StopSignal()
    case .pipe:
      stopSignal = StopSignal()
      progress = ReplayProgress(totalBytes: nil, stop: stopSignal)
    }
  }

  /// Whether all that it plays has been passed on, or it failed.
  package var isFinished: Bool { finished.load(ordering: .acquiring) }

  /// Begins to play.
  ///
  /// - Parameters:
  ///   - index: for the thread's name.
  ///   - doorbell: of the worker that takes the packets.
  package func start(index: Int, waking doorbell: Doorbell) throws(WorkerError) {
    let started = try WorkerThread(name: "sluice-feed\(index)") { [self] in
      run(doorbell)
      mesh.close(from: 0, at: .zero)
      finished.store(true, ordering: .releasing)
    }
    thread.withLock { $0 = started }
  }

  /// Ends the playing soon; what the worker has taken stays readable until `abandon`.
  package func stop() { progress.stop() }

  /// Says that nobody reads its packets any more.
  package func abandon() { abandoned.store(true, ordering: .releasing) }

  /// Waits for the feed's end, after `stop` and `abandon`.
  package func join() { thread.withLock { $0 }?.join() }

  private func run(_ doorbell: Doorbell) {
    do throws(CaptureError) {
      let sources = try opened()
      let shaping = try shape(sources)
      play(sources, shaping, doorbell)
    } catch {
      progress.fail(error)
    }
  }

  private func opened() throws(CaptureError) -> ReplaySources {
    switch source {
    case .files(let sources): return sources
    case .pipe(let file, let arrival):
      let sources = try ReplaySources(files: [file], stop: stopSignal)
      try sources.assign([.all(arrival)])
      return sources
    }
  }

  private func play(_ sources: ReplaySources, _ shaping: ReplayShaping, _ doorbell: Doorbell) {
    var queue = ReplayQueue(
      sources, worker: 0, mesh: mesh, start: sources.firstTime() ?? .zero, progress: progress,
      shaping: shaping, writer: nil)
    var burst = PacketBurst()
    var hasMore = true
    while hasMore, !progress.isStopped {
      burst.removeAll()
      switch queue.receive(into: &burst) {
      case .packets: pass(burst, doorbell)
      case .idle: break
      case .ended: hasMore = false
      }
    }
    finished.store(true, ordering: .releasing)
    // The queue owns the bytes of what was passed on.
    while !mesh.isDone(mesh.mark(from: 0), from: 0), !abandoned.load(ordering: .acquiring) { Self.pause() }
  }

  private func pass(_ burst: borrowing PacketBurst, _ doorbell: Doorbell) {
    let ring = unsafe mesh.ring(from: 0, to: 1)
    for index in 0..<burst.count {
      // SAFETY: the queue keeps the bytes until the ring says that the worker has released the packet.
      let packet = unsafe HandedOffPacket(packet: burst.descriptor(index), fate: FragmentFate(.unknown))
      while unsafe !ring.push(packet) {
        if progress.isStopped { return }
        doorbell.ring()
        Self.pause()
      }
    }
    doorbell.ring()
  }

  private static func pause() { usleep(100) }
}

/// A feed as its worker takes from it.
struct FeedReader {
  private let feed: CaptureFeed
  /// Packets taken from the ring whose bytes are still needed.
  private var taken = 0
  /// Those of them that may go once others have dealt with what they were handed.
  private var waiting: (count: Int, mark: [Int])?
  /// Ports that are gone while others of the feed go on: their packets are passed over.
  private var muted: Set<UInt8> = []

  init(_ feed: CaptureFeed) { self.feed = feed }

  /// Fills an empty burst with what has come.
  mutating func receive(into burst: inout PacketBurst, now: PacketTime) {
    let ring = unsafe feed.mesh.ring(from: 0, to: 1)
    let count = unsafe min(ring.count - taken, burst.limit)
    for offset in taken..<taken + max(count, 0) {
      // SAFETY: the bytes are readable until the place in the ring is released.
      var packet = unsafe ring[offset].packet
      if !muted.isEmpty, muted.contains(unsafe packet.port) { continue }
      unsafe packet.time = now
      unsafe burst.append(packet)
    }
    taken += max(count, 0)
  }

  /// Gives back what is needed no more: the last burst is over.
  ///
  /// - Parameters:
  ///   - mesh: of the workers, to which this one, at `worker`, may have handed packets.
  mutating func release(_ mesh: HandoffMesh, worker: Int, isAlone: Bool) {
    guard taken > 0 else { return }
    let ring = unsafe feed.mesh.ring(from: 0, to: 1)
    if isAlone {
      unsafe ring.release(taken)
      taken = 0
      return
    }
    if let ready = waiting, mesh.isDone(ready.mark, from: worker) {
      unsafe ring.release(ready.count)
      taken -= ready.count
      waiting = nil
    }
    if waiting == nil, taken > 0 { waiting = (taken, mesh.mark(from: worker)) }
  }

  func abandon() { feed.abandon() }

  /// Whether a change ends all ports that it feeds.
  func ends(by change: PortChange) -> Bool {
    feed.ports.allSatisfy { muted.contains(UInt8($0)) || change.hasEnded(UInt8($0)) }
  }

  /// Passes over the packets of ports that a change ends.
  mutating func mute(_ change: PortChange) {
    for port in feed.ports where change.hasEnded(UInt8(port)) { muted.insert(UInt8(port)) }
  }
}
