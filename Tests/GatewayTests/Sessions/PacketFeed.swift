import Dataplane
import Gateway
import PacketIO

/// Packets that a test hands to a running worker when it likes. Ends when it is told to.
final class PacketFeed: Sendable {
  private struct State {
    var packets: [MemoryQueue.Packet] = []
    var isEnded = false
  }

  private let state = Guarded(State())

  func send(_ packets: [MemoryQueue.Packet]) { state.withLock { $0.packets += packets } }
  func end() { state.withLock { $0.isEnded = true } }

  fileprivate func take() -> (packets: [MemoryQueue.Packet], isEnded: Bool) {
    state.withLock { state in
      defer { state.packets = [] }
      return (state.packets, state.isEnded)
    }
  }
}

/// A worker's end of a feed.
struct FeedQueue: PacketQueue, ~Copyable {
  /// Kept to the end: other workers may read what was handed over.
  private final class Part {
    var queue: MemoryQueue
    init(_ packets: [MemoryQueue.Packet]) { queue = MemoryQueue(packets) }
  }

  let feed: PacketFeed
  private var parts: [Part] = []

  init(_ feed: PacketFeed) { self.feed = feed }

  mutating func receive(into burst: inout PacketBurst) -> ReceiveStatus {
    if let part = parts.last, part.queue.receive(into: &burst) == .packets { return .packets }
    let (packets, isEnded) = feed.take()
    if packets.isEmpty { return isEnded ? .ended : .idle }
    let part = Part(packets)
    parts.append(part)
    return part.queue.receive(into: &burst)
  }

  mutating func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {}
  mutating func finish() {}
}
