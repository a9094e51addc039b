package import Dataplane
import Synchronization

/// Other ports for one worker's `PortQueue`: what it receives from and sends by from now on. What is not
/// named goes on where it is.
package final class PortChange: QueueChange, @unchecked Sendable {
  // SAFETY (@unchecked): immutable but for two atomics.

  /// What takes the place of the worker's live queues; those that are not among them end.
  let live: [LiveQueue]
  let positions: PortPositions
  /// Feeds and memory ports that begin.
  let feeds: [CaptureFeed]
  let memory: [PortQueue.MemorySource]
  /// Places of ports that are gone, or receive from something else from now on.
  private let ended: Set<UInt8>
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
  private var live: [LiveQueue]
  private var feeds: [FeedReader]
  private var streams: [MemoryStream]
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
      queue.begin(mesh, isAlone: isAlone, now: now)
      queue.receive(into: &burst, now: now)
      if !burst.isEmpty {
        mark = nil
        return false
      }
    }
    guard change.isStopped else { return false }
    guard let mark else {
      mark = mesh.mark(from: worker)
      return false
    }
    guard mesh.isDone(mark, from: worker) else { return false }
    leave()
    return true
  }

  /// Uses nothing any more.
  mutating func leave() {
    for queue in live { queue.leave() }
    for feed in feeds { feed.abandon() }
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
    feeds += change.feeds.map { FeedReader($0) }
    streams.removeAll { $0.ends(by: change) }
    streams += change.memory.map { MemoryStream($0, worker: worker) }
    positions = change.positions
    setLive(change.live)
    next = 0
    retiring.append(ending)
  }

  /// Takes what ended ports had received.
  ///
  /// - Returns: whether the burst has packets.
  @inline(never) mutating func retire(into burst: inout PacketBurst, now: PacketTime) -> Bool {
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
