import Dataplane

/// What is done to the packets of captures before a worker sees them.
public struct ReplayShaping: Sendable {
  /// Packets for which this is not true are left out; nil lets all in.
  package var filter: PacketFilter?
  /// Deals the packets to two LIFs; nil leaves them on their capture's.
  public var split: TrafficSplit?
  /// The LIFs of a split; their ports are at positions 0 and 1.
  public var splitLIFs: (UInt16, UInt16) = (1, 2)
  public var rate = ReplayRate.max
  /// How many times faster than captured, above 0, where the rate is that of the captures.
  public var multiplier = 1.0
  /// How often the captures are replayed; nil for no end.
  public var rounds: UInt64? = 1

  public init() {}

  /// Whether packets go to the worker as they are read.
  var isPlain: Bool { filter == nil && split == nil && rate == .max && rounds == 1 }
}

/// Packets on their way from captures to a worker when options have something to say about them: those that
/// a filter accepts, in their round's time, on their side of a split, when they are due.
///
/// Owned by one worker. The bytes stay in the captures' blocks, which nobody may read anew while ``isEmpty``
/// is false.
final class ReplayShaper {
  private let filter: PacketFilter?
  private var splitter: TrafficSplitter?
  private let splitLIFs: (UInt16, UInt16)
  private var pacer: ReplayPacer
  private(set) var rounds: ReplayRounds
  /// Packets that the filter left out.
  private(set) var filteredOut: UInt64 = 0

  /// Time of the captures' first packet.
  private let start: PacketTime
  /// Follows all packets of a round, filtered out or not, to know the captures' length.
  private var readClock: ReplayClock
  /// Packets read in this round.
  private var packetsRead: UInt64 = 0
  /// Whether a packet of this round has been let in.
  private var hasBegun = false

  private var read = PacketBurst()
  private var ready = PacketBurst()
  /// Position of the next packet in `ready`.
  private var next = 0

  /// - Returns: nil when there is no memory for a split's conversations.
  init?(_ shaping: ReplayShaping, start: PacketTime) {
    filter = shaping.filter
    splitLIFs = shaping.splitLIFs
    pacer = ReplayPacer(shaping.rate, multiplier: shaping.multiplier)
    rounds = ReplayRounds(total: shaping.rounds)
    self.start = start
    readClock = ReplayClock(start: start)
    splitter = nil
    guard let split = shaping.split else { return }
    var generator = SystemRandomNumberGenerator()
    guard let conversations = ConversationMemory(generator: &generator) else { return nil }
    splitter = TrafficSplitter(split, conversations: conversations)
  }

  /// Whether all that was read has gone on.
  var isEmpty: Bool { next == ready.count }

  /// Conversations that a split forgot.
  var forgotten: UInt64 { splitter?.forgotten ?? 0 }

  /// Reads a burst and keeps what is let in: perhaps nothing.
  ///
  /// - Parameter clock: times what is let in.
  /// - Returns: false at the end of the captures.
  func read(_ sources: ReplaySources, _ clock: inout ReplayClock) -> Bool {
    read.removeAll()
    ready.removeAll()
    next = 0
    sources.fill(&read, &readClock)
    packetsRead += UInt64(read.count)
    for index in 0..<read.count {
      // SAFETY: the bytes lie in blocks that the queue keeps until `isEmpty` holds.
      unsafe admit(read.descriptor(index), &clock)
    }
    return !read.isEmpty
  }

  /// Makes ready for reading the captures from their beginning, if another round follows.
  func beginRound(_ clock: inout ReplayClock) -> ReplayRounds.Next {
    let next = rounds.next(start: start, end: readClock.now, packets: packetsRead)
    guard next == .another else { return next }
    readClock = ReplayClock(start: start)
    packetsRead = 0
    hasBegun = false
    return next
  }

  /// Moves the packets that are due to an empty burst.
  ///
  /// - Parameter now: wall time in nanoseconds.
  /// - Returns: nanoseconds until the next one is due, if none is; else 0.
  func release(into burst: inout PacketBurst, now: UInt64) -> UInt64 {
    while next < ready.count, !burst.isFull {
      let wait = pacer.wait(for: ready.time(next), now: now)
      if wait > 0 { return burst.isEmpty ? wait : 0 }
      // SAFETY: as in `read`.
      unsafe burst.append(ready.descriptor(next))
      next += 1
    }
    return 0
  }

  private func admit(_ packet: PacketDescriptor, _ clock: inout ReplayClock) {
    if let filter, unsafe !filter.accepts(packet) {
      filteredOut += 1
      return
    }
    var packet = unsafe packet
    unsafe packet.captureTime = rounds.shifted(packet.captureTime)
    if !hasBegun {
      // The first packet of a round is believed, as that of a capture is.
      hasBegun = true
      clock.begin(at: PacketTime(nanoseconds: unsafe packet.captureTime))
    }
    unsafe packet.time = clock.advance(to: packet.captureTime)
    unsafe packet.sequence = clock.nextSequence()
    if splitter != nil {
      let bytes = unsafe RawSpan(_unsafeStart: packet.start, byteCount: Int(packet.capturedLength))
      let side = unsafe splitter?.side(
        bytes, link: packet.link, originalLength: packet.originalLength, time: packet.time)
      unsafe packet.lif = side == 1 ? splitLIFs.1 : splitLIFs.0
      unsafe packet.port = side == 1 ? 1 : 0
    }
    unsafe ready.append(packet)
  }
}
