package import Dataplane
import Synchronization

/// Other ports for one worker's `PortQueue`: what it receives from and sends by from now on. What is not
/// named goes on where it is.
package final class PortChange: QueueChange, @unchecked Sendable {
  // SAFETY (@unchecked): immutable but for atomics.

  /// What takes the place of the worker's live queues; those that are not among them end.
  let live: [LiveQueue]
  let positions: PortPositions
  /// Feeds and memory ports that begin.
  let feeds: [CaptureFeed]
  let memory: [PortQueue.MemorySource]
  /// Places of ports that are gone, or receive from something else from now on.
  private let ended: Set<UInt8>
  private let opened = Atomic<Bool>(false)
  private let stopped = Atomic<Bool>(false)
  private let left = Atomic<Bool>(false)

  package init(
    live: [LiveQueue], positions: PortPositions, feeds: [CaptureFeed], memory: [PortQueue.MemorySource],
    ended: [Int]
  ) {
    self.live = live
    self.positions = positions
    self.feeds = feeds
    self.memory = memory
    self.ended = Set(ended.map { UInt8(truncatingIfNeeded: $0) })
  }

  func hasEnded(_ place: UInt8) -> Bool { ended.contains(place) }

  /// Says that all workers know the ports that begin: packets may come by them.
  package func noteOpened() { opened.store(true, ordering: .releasing) }

  var isOpened: Bool { opened.load(ordering: .acquiring) }

  /// Says that the kernel and the feeds pass on nothing more for what ends.
  package func noteStopped() { stopped.store(true, ordering: .releasing) }

  var isStopped: Bool { stopped.load(ordering: .acquiring) }

  /// Whether the worker uses nothing any more of what ended: it may be closed.
  package var isLeft: Bool { left.load(ordering: .acquiring) }

  func noteLeft() { left.store(true, ordering: .releasing) }
}

/// What a change has ended, until nobody needs it: what was received still gets its verdict.
struct RetiringPorts {
  let change: PortChange
  /// Whether what begins with the change has begun.
  var hasBegun = false
  private var live: [LiveQueue]
  private var feeds: [FeedReader]
  private var streams: [MemoryStream]
  /// When the kernel passed on nothing more, as seen first.
  private var stopTime: PacketTime?
  /// Once nothing was left to be received: what had been handed to other workers then.
  private var mark: [Int]?

  init(_ change: PortChange, live: [LiveQueue], feeds: [FeedReader], streams: [MemoryStream]) {
    self.change = change
    self.live = live
    self.feeds = feeds
    self.streams = streams
    for queue in live { queue.retire() }
  }

  /// Receives what had come. The last burst is over.
  ///
  /// - Returns: whether it is over and the change says so.
  mutating func receive(
    into burst: inout PacketBurst, _ mesh: HandoffMesh, worker: Int, isAlone: Bool, now: PacketTime
  ) -> Bool {
    for queue in live {
      _ = queue.begin(mesh, isAlone: isAlone, now: now)
      queue.receive(into: &burst, now: now)
      if !burst.isEmpty {
        mark = nil
        return false
      }
    }
    guard change.isStopped else { return false }
    let stopTime = stopTime ?? now
    self.stopTime = stopTime
    let sinceStop = now.nanoseconds &- stopTime.nanoseconds
    // What the kernel shows late comes yet, and what waits for its device goes yet.
    if live.contains(where: { sinceStop < $0.delay || $0.hasUnsent && sinceStop < Self.patience }) {
      return false
    }
    guard let mark else {
      mark = mesh.mark(from: worker)
      return false
    }
    guard mesh.isDone(mark, from: worker) else { return false }
    leave()
    return true
  }

  /// Nanoseconds that a device has to send what it was given.
  private static let patience: UInt64 = 100_000_000

  /// Uses nothing any more.
  mutating func leave() {
    for queue in live { queue.leave() }
    for feed in feeds { feed.abandon() }
    if !hasBegun { for feed in change.feeds { feed.abandon() } }
    // The control side's references are the last ones then: to unmap what they stand for takes its time.
    live = []
    feeds = []
    streams = []
    change.noteLeft()
  }
}

extension PortQueue {
  package mutating func adopt(_ change: QueueChange) {
    guard let change = change as? PortChange else { return }
    let ending = RetiringPorts(
      change, live: live.filter { queue in !change.live.contains { $0.isSame(as: queue) } },
      feeds: feeds.filter { $0.ends(by: change) }, streams: streams.filter { $0.ends(by: change) })
    feeds.removeAll { $0.ends(by: change) }
    for index in feeds.indices { feeds[index].mute(change) }
    streams.removeAll { $0.ends(by: change) }
    positions = change.positions
    // Packets may leave by the new ones at once, and come by them later.
    let kept = change.live.filter { queue in live.contains { $0.isSame(as: queue) } }
    let fresh = change.live.filter { queue in !live.contains { $0.isSame(as: queue) } }
    setLive(kept + fresh)
    receiving = kept.count
    next = 0
    retiring.append(ending)
  }

  /// What is new begins, once all workers know of it.
  private mutating func begin(_ change: PortChange) {
    feeds += change.feeds.map { FeedReader($0) }
    streams += change.memory.map { MemoryStream($0, worker: worker) }
    receiving = live.count
    next = 0
  }

  /// Takes what ended ports had received.
  ///
  /// - Returns: whether the burst has packets.
  @inline(never) mutating func retire(into burst: inout PacketBurst, now: PacketTime) -> Bool {
    for index in retiring.indices where !retiring[index].hasBegun && retiring[index].change.isOpened {
      retiring[index].hasBegun = true
      begin(retiring[index].change)
    }
    // In turns with the others.
    isRetiringNext.toggle()
    guard !isRetiringNext else { return false }
    for index in retiring.indices.reversed() {
      if retiring[index].receive(into: &burst, mesh, worker: worker, isAlone: isAlone, now: now) {
        retiring.remove(at: index)
      }
      if !burst.isEmpty { return true }
    }
    return false
  }
}
