public import Dataplane

/// One packet that was made.
public struct GeneratedPacket: Sendable {
  /// Bytes of the frame.
  public let length: Int
  /// Capture time, since the Unix epoch.
  public let time: PacketTime
  /// Which conversation it belongs to, from 0.
  public let conversation: Int
  /// Whether the side that opened the conversation sends it.
  public let isFromClient: Bool
}

/// Makes a plan's packets one after the other. Its memory is bounded by the number of conversations.
public struct TrafficStream: Sendable {
  /// Packets made so far, and their bytes.
  public private(set) var packets: UInt64 = 0
  public private(set) var bytes: UInt64 = 0

  private let plan: TrafficPlan
  private var order: TurnOrder
  private var conversations: [Conversation]
  private var random: SplitMix64
  private var sizes: FrameSizes
  private let writer: FrameWriter
  private let fragments: UInt64
  private let retransmits: UInt64
  /// The second fragment of the packet before, which is next.
  private var pending: Fragment?
  /// The transport of the datagram that is being fragmented.
  private var whole: [UInt8] = []

  private struct Fragment {
    let index: Int
    let tuple: ConversationTuple
    let segment: Segment
    let part: FrameWriter.Part
  }

  public init(_ plan: TrafficPlan) {
    self.plan = plan
    let options = plan.options
    order = TurnOrder(plan)
    conversations = [Conversation](repeating: Conversation(), count: options.flows)
    random = SplitMix64(seed: options.seed)
    sizes = FrameSizes(options.size)
    writer = FrameWriter(options)
    fragments = Self.share(options.fragments)
    retransmits = Self.share(options.retransmits)
  }

  /// Makes the next packet in `frame`, from its start.
  ///
  /// - Precondition: `frame` has room for ``TrafficPlan/frameCapacity`` bytes.
  /// - Returns: nil after the last one.
  @_lifetime(frame: copy frame)
  public mutating func next(into frame: inout MutableRawSpan) -> GeneratedPacket? {
    if let second = pending {
      pending = nil
      _ = order.take(second.index)
      let length = writer.write(second.part, of: whole, second.segment, second.tuple, into: &frame)
      return packet(second.index, length, second.segment)
    }
    guard let turn = order.next(plan, &random) else { return nil }
    let index = turn.index
    let tuple = ConversationTuple(index: index, options: plan.options)
    let ending = plan.endings[index]
    let dataLeft = conversations[index].dataLeft(turn.left, ending, tuple.transport)
    let segment = segment(turn, tuple, ending)
    let identification = UInt32(truncatingIfNeeded: packets)
    var length = writer.write(segment, tuple, identification: identification, into: &frame)
    // Both fragments are packets of the conversation, so it must have room for two.
    if segment.isData, dataLeft >= 2, random.happens(fragments),
      let first = fragment(segment, tuple, index, identification, in: &frame)
    {
      length = first
    }
    return packet(index, length, segment)
  }

  private mutating func segment(
    _ turn: TurnOrder.Turn, _ tuple: ConversationTuple, _ ending: Ending
  ) -> Segment {
    let room = writer.room(in: sizes.next(&random), tuple)
    guard tuple.transport == .tcp else {
      return conversations[turn.index].nextDatagram(room: room, &random)
    }
    return conversations[turn.index].nextSegment(
      left: turn.left, ending, tuple, room: room, retransmits: retransmits, &random)
  }

  /// Replaces the packet in `frame` by its first fragment and keeps the second.
  ///
  /// - Returns: the first one's length; nil when the datagram is too short for two.
  @_lifetime(frame: copy frame)
  private mutating func fragment(
    _ segment: Segment, _ tuple: ConversationTuple, _ index: Int, _ identification: UInt32,
    in frame: inout MutableRawSpan
  ) -> Int? {
    let length = FrameWriter.transportLength(segment, tuple)
    guard length > Self.leastFirstFragment else { return nil }
    let first = max(Self.leastFirstFragment, length / 2 & ~7)
    whole = writer.transport(segment, tuple, in: frame.bytes)
    pending = Fragment(
      index: index, tuple: tuple, segment: segment,
      part: FrameWriter.Part(length: length - first, offset: first, identification: identification))
    return writer.write(
      FrameWriter.Part(length: first, hasMore: true, identification: identification), of: whole, segment,
      tuple, into: &frame)
  }

  private mutating func packet(_ index: Int, _ length: Int, _ segment: Segment) -> GeneratedPacket {
    let silence = order.isSecondPart ? plan.silence : 0
    let time = plan.start.advanced(by: plan.pace.time(packets, jitter: random.next()) + silence)
    packets += 1
    bytes += UInt64(length)
    return GeneratedPacket(
      length: length, time: time, conversation: index, isFromClient: segment.isFromClient)
  }

  /// A share of 2^32: exact, whatever the machine.
  private static func share(_ value: Double) -> UInt64 { UInt64(value * 0x1p32) }

  /// A TCP header whole, in units of 8 bytes.
  private static let leastFirstFragment = 24
}
