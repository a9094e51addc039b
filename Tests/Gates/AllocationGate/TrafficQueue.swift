import CMallocCount
import Dataplane

/// A worker's queue that makes its packets itself, allocates nothing, and counts what its thread allocates.
///
/// After `warmUp` packets counting begins, with the last of `packets` after them it ends.
struct TrafficQueue: PacketQueue, ~Copyable {
  private var conversations: [Conversation]
  private var frames = FrameStore()
  private var random: SplitMix64
  private var sent = 0
  private let warmUp: Int
  private let packets: Int
  private var counting = Counting.notYet
  /// Allocations and frees of the thread while it counted.
  private(set) var allocations: UInt = 0

  /// - Parameter first: number of its first conversation; workers' queues must not share any.
  init(first: UInt32, warmUp: Int, packets: Int) {
    conversations = (0..<Self.conversationCount).map { Conversation(index: first &+ $0) }
    random = SplitMix64(seed: UInt64(first) &+ 7)
    self.warmUp = warmUp
    self.packets = packets
  }

  mutating func receive(into burst: inout PacketBurst) -> ReceiveStatus {
    if counting == .notYet, sent >= warmUp {
      counting = .now
      sluice_malloc_count_begin()
    }
    if sent >= warmUp + packets {
      stopCounting()
      return .ended
    }
    while !burst.isFull {
      let missing = writeNext()
      let time = Self.start.advanced(by: UInt64(sent) &* Self.nanosecondsApart)
      // SAFETY: the store keeps the frame long enough, see there.
      unsafe burst.append(frames.descriptor(at: time, number: UInt64(sent), missing: missing))
      sent += 1
    }
    return .packets
  }

  mutating func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {}

  mutating func finish() {}

  private mutating func stopCounting() {
    if counting == .now { allocations = UInt(sluice_malloc_count_end()) }
    counting = .done
  }

  /// Writes a frame. Returns how many bytes of it are to be cut off: one in 1024 is malformed.
  private mutating func writeNext() -> Int {
    let draw = random.next()
    switch draw >> 12 & 1023 {
    case 0:
      frames.writeARP()
      return 0
    case 1:
      frames.write(Conversation.Packet(fromClient: true), of: conversations[0])
      return 40
    default:
      let index = Int(((draw >> 32) &* UInt64(Self.conversationCount)) >> 32)
      let packet = conversations[index].next(draw)
      frames.write(packet, of: conversations[index])
      return 0
    }
  }

  private enum Counting {
    case notYet, now, done
  }

  private static let conversationCount: UInt32 = 65536
  /// When the first packet arrives; any moment would do.
  static let start = PacketTime(nanoseconds: 1_700_000_000_000_000_000)
  /// A conversation gets a packet every 1.3 s on average, so that timeouts of 2 s fire often.
  private static let nanosecondsApart: UInt64 = 20_000
}
