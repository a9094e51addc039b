public import Dataplane

/// How many sessions of each end a tracker with the default timeouts of learned sessions must see.
public struct SessionEnds: Hashable, Sendable {
  public var finACK: UInt64 = 0
  public var reset: UInt64 = 0
  public var timeout: UInt64 = 0
  public var live: UInt64 = 0

  public init() {}

  mutating func count(_ outcome: Ending.Outcome) {
    switch outcome {
    case .finACK: finACK += 1
    case .reset: reset += 1
    case .timeout: timeout += 1
    case .live: live += 1
    }
  }
}

/// What each conversation will do, before the first packet is made. docs/generate.md has the reasons.
///
/// The capture has two parts with a silence between them, longer than any timeout: first everything that
/// ends, then what lives on, whose packets let the timeouts of the first part fire.
public struct TrafficPlan: Sendable {
  public let options: TrafficOptions
  /// The sessions, by their ends.
  public private(set) var sessions = SessionEnds()
  /// By conversation.
  private(set) var packets: [UInt32]
  private(set) var endings: [Ending]
  let pace: TrafficPace
  /// Nanoseconds without packets before the second part.
  private(set) var silence: UInt64 = 0

  /// - Throws: options that are out of range or contradict each other.
  public init(_ options: TrafficOptions) throws(TrafficError) {
    try options.check()
    self.options = options
    pace = TrafficPace(options)
    packets = PacketShares(options).packets
    endings = []
    endings.reserveCapacity(options.flows)
    if options.shape == .steady {
      guard UInt64(options.packets) <= pace.packets(in: Self.liveSeconds) else {
        throw TrafficError(
          "--shape steady: its sessions stay live for \(Self.liveSeconds) seconds: "
            + "raise --rate or lower --packets"
        )
      }
      endings = [Ending](repeating: .steady, count: options.flows)
    } else {
      planEndings()
    }
    for ending in endings { sessions.count(ending.outcome) }
    planSilence()
  }

  /// When the first packet may come, since the Unix epoch: the same on any day.
  public var start: PacketTime { PacketTime(nanoseconds: Self.epoch) }

  /// Bytes of the longest frame that there can be.
  public var frameCapacity: Int {
    let largest =
      switch options.size {
      case .bytes(let bytes): bytes
      case .imix: FrameSizes.largestIMIX
      }
    return max(largest, FrameWriter.mostHeaderBytes) + FrameWriter.mostTagBytes
  }

  private mutating func planEndings() {
    let liveLimit = pace.packets(in: Self.liveSeconds)
    var livePackets: UInt64 = 0
    for index in 0..<options.flows {
      let transport = ConversationTuple.transport(index, options)
      let count = packets[index]
      var ending = Ending.planned(ConversationTuple.ordinal(index, options), transport).fitted(
        to: count, transport)
      if ending == .live {
        // One may always be: it lasts to the end, however long it takes.
        if livePackets == 0 || livePackets + UInt64(count) <= liveLimit {
          livePackets += UInt64(count)
        } else {
          ending = .ended(transport, packets: count)
        }
      }
      endings.append(ending)
    }
    // Without anything live there would be no packet by which a timeout could be noticed.
    if livePackets == 0, let last = endings.lastIndex(where: { $0.outcome == .timeout }) {
      endings[last] = .live
    }
  }

  private mutating func planSilence() {
    var longest: UInt32 = 0
    let timeouts = Timeouts()
    for index in 0..<options.flows where endings[index].outcome == .timeout {
      let isTCP = ConversationTuple.transport(index, options) == .tcp
      longest = max(longest, isTCP ? timeouts.learnedTCP : timeouts.learnedUDP)
    }
    guard longest > 0 else { return }
    silence = (UInt64(longest) + Self.marginSeconds) * PacketTime.nanosecondsPerSecond
  }

  /// All packets of live conversations lie within so many seconds before the end: less than the shortest
  /// timeout that a live session can have, the 30 s of an unfinished handshake.
  static let liveSeconds: UInt64 = 20
  /// The longest silence of a conversation that goes on, well below the 10 s of `closing`; when it is
  /// reached the conversation has its turn, and waits at most half of it again.
  static let idleSeconds: UInt64 = 5
  private static let marginSeconds: UInt64 = 10
  /// 2023-11-14 22:13:20 UTC.
  private static let epoch: UInt64 = 1_700_000_000 * PacketTime.nanosecondsPerSecond
}
