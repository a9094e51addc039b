import Dataplane

/// What one packet of a conversation says beyond its 5-tuple, in host byte order.
struct Segment {
  var isFromClient: Bool
  var flags: TCPFlags = []
  var sequence: UInt32 = 0
  var acknowledgment: UInt32 = 0
  /// Bytes of payload; 0 but for data.
  var payload = 0

  var isData: Bool { payload > 0 }
  var isSYN: Bool { flags.contains(.syn) }
}

/// How far one conversation has come. 20 bytes: there may be a hundred million of them.
struct Conversation: Sendable {
  /// Sequence number of each side's next octet.
  private var clientNext: UInt32 = 0
  private var serverNext: UInt32 = 0
  /// Packets so far.
  private var sent: UInt32 = 0
  /// Octets that the last sender has not seen acknowledged. The other side has none: each segment
  /// acknowledges all.
  private var outstanding: UInt16 = 0
  /// Payload of the last packet when that may be sent again; 0 when not.
  private var lastPayload: UInt16 = 0
  private var wasFromClient = false
  private var isFINFromClient = false

  init() {}

  /// Data packets that may still come, when `left` packets are.
  func dataLeft(_ left: UInt32, _ ending: Ending, _ transport: SessionProtocol) -> UInt32 {
    guard transport == .tcp, ending != .steady else { return left }
    guard sent >= Self.openingPackets else { return 0 }
    return left - min(left, Self.closingPackets(ending))
  }

  /// The next packet, a UDP datagram of `room` bytes.
  mutating func nextDatagram(room: Int, _ random: inout SplitMix64) -> Segment {
    let isFromClient = random.next() & 1 == 0 || sent == 0
    sent += 1
    return Segment(isFromClient: isFromClient, payload: room)
  }

  /// The next TCP segment, of which there are `left` including it.
  ///
  /// - Parameters:
  ///   - room: payload of a data segment, bytes.
  ///   - retransmits: share of data segments sent again, of 2^32.
  mutating func nextSegment(
    left: UInt32, _ ending: Ending, _ tuple: ConversationTuple, room: Int, retransmits: UInt64,
    _ random: inout SplitMix64
  ) -> Segment {
    if sent == 0 { (clientNext, serverNext) = (tuple.clientStart, tuple.serverStart) }
    let position = sent
    sent += 1
    if ending == .steady { return data(room: room, isFirst: position == 0, &random) }
    if ending == .unanswered {
      clientNext = tuple.clientStart
      return send(fromClient: true, .syn)
    }
    if position < Self.openingPackets { return opening(position, left, ending) }
    if left <= Self.closingPackets(ending) { return closing(left, ending, &random) }
    if lastPayload > 0, random.happens(retransmits) { return again() }
    return data(room: room, isFirst: position == Self.openingPackets, &random)
  }

  private mutating func opening(_ position: UInt32, _ left: UInt32, _ ending: Ending) -> Segment {
    let isReset = left == 1 && ending.outcome == .reset
    return switch position {
    case 0: send(fromClient: true, .syn)
    // A refusal acknowledges the SYN and has no sequence number of its own: RFC 9293 §3.10.7.1.
    case 1 where isReset: refusal()
    case 1: send(fromClient: false, [.syn, .ack])
    case _ where isReset: send(fromClient: true, [.rst, .ack])
    default: send(fromClient: true, .ack)
    }
  }

  private mutating func refusal() -> Segment {
    Segment(isFromClient: false, flags: [.rst, .ack], sequence: 0, acknowledgment: clientNext)
  }

  private mutating func closing(_ left: UInt32, _ ending: Ending, _ random: inout SplitMix64) -> Segment {
    if ending.outcome == .reset { return send(fromClient: random.next() & 1 == 0, [.rst, .ack]) }
    if left == Self.closingPackets(ending) {
      isFINFromClient = random.next() & 1 == 0
      return send(fromClient: isFINFromClient, [.fin, .ack])
    }
    if left == 2 { return send(fromClient: !isFINFromClient, [.fin, .ack]) }
    return send(fromClient: isFINFromClient, .ack)
  }

  /// Data either way; the client begins, and nobody sends more than a window without an answer.
  private mutating func data(room: Int, isFirst: Bool, _ random: inout SplitMix64) -> Segment {
    var isFromClient = random.next() & 1 == 0 || isFirst
    if isFromClient == wasFromClient, Int(outstanding) + room > Self.mostOutstanding {
      isFromClient.toggle()
    }
    let segment = send(fromClient: isFromClient, [.psh, .ack], payload: room)
    lastPayload = UInt16(room)
    return segment
  }

  /// The last data segment once more.
  private mutating func again() -> Segment {
    let next = wasFromClient ? clientNext : serverNext
    let payload = Int(lastPayload)
    lastPayload = 0
    return Segment(
      isFromClient: wasFromClient, flags: [.psh, .ack], sequence: next &- UInt32(payload),
      acknowledgment: wasFromClient ? serverNext : clientNext, payload: payload)
  }

  private mutating func send(fromClient: Bool, _ flags: TCPFlags, payload: Int = 0) -> Segment {
    let segment = Segment(
      isFromClient: fromClient, flags: flags, sequence: fromClient ? clientNext : serverNext,
      acknowledgment: flags.contains(.ack) ? (fromClient ? serverNext : clientNext) : 0, payload: payload)
    let octets = UInt32(payload) + (flags.isDisjoint(with: [.syn, .fin]) ? 0 : 1)
    if fromClient { clientNext &+= octets } else { serverNext &+= octets }
    outstanding = UInt16(octets) + (fromClient == wasFromClient ? outstanding : 0)
    wasFromClient = fromClient
    lastPayload = 0
    return segment
  }

  private static func closingPackets(_ ending: Ending) -> UInt32 {
    switch ending {
    case .finACK: 3
    case .reset, .refused, .halfClosed: 1
    case .silent, .unanswered, .live, .steady: 0
    }
  }

  /// SYN, SYN/ACK, ACK.
  private static let openingPackets: UInt32 = 3
  /// Half of the window that both sides announce: FIN and RST are then plausible to any tracker.
  private static let mostOutstanding = 32_000
}
