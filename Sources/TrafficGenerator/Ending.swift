import Dataplane

/// How one conversation goes and ends. What a tracker must see of it is its ``outcome``.
enum Ending: UInt8, Sendable {
  /// Handshake, data, FIN from both sides, the last ACK.
  case finACK
  /// Ended by an RST from either side; with two packets the connection is refused.
  case reset
  /// A connection refused: two packets.
  case refused
  /// Stops in the middle of it.
  case silent
  /// Only SYNs, that nobody answers.
  case unanswered
  /// One side's FIN, then silence.
  case halfClosed
  /// Goes on to the capture's end.
  case live
  /// Live, and data only from its first packet.
  case steady

  /// What a session table reports.
  enum Outcome: Sendable { case finACK, reset, timeout, live }

  var outcome: Outcome {
    switch self {
    case .finACK: .finACK
    case .reset, .refused: .reset
    case .silent, .unanswered, .halfClosed: .timeout
    case .live, .steady: .live
    }
  }

  /// The packets that it takes, for a conversation of `transport`.
  func minimumPackets(_ transport: SessionProtocol) -> UInt32 {
    guard transport == .tcp else { return 1 }
    return switch self {
    case .finACK: 6
    case .reset, .halfClosed: 4
    case .silent, .live: 3
    case .refused, .unanswered: 2
    case .steady: 1
    }
  }

  /// Whether more packets would make no sense.
  var isFixed: Bool { self == .refused || self == .unanswered }

  /// The same ending, or one like it that `packets` suffice for.
  func fitted(to packets: UInt32, _ transport: SessionProtocol) -> Ending {
    guard transport == .tcp else { return self }
    return switch self {
    case .finACK where packets < 6: Ending.reset.fitted(to: packets, transport)
    case .reset where packets < 2: .silent
    case .refused: Ending.reset.fitted(to: packets, transport)
    case .halfClosed where packets < 4: .silent
    default: self
    }
  }

  /// What becomes of a live conversation that cannot reach the capture's end.
  static func ended(_ transport: SessionProtocol, packets: UInt32) -> Ending {
    transport == .tcp ? Ending.finACK.fitted(to: packets, transport) : .silent
  }

  /// The ending of the `ordinal`-th conversation of a transport: every kind occurs among few of them.
  static func planned(_ ordinal: Int, _ transport: SessionProtocol) -> Ending {
    transport == .tcp ? tcp[ordinal % tcp.count] : udp[ordinal % udp.count]
  }

  private static let tcp: [Ending] = [
    .finACK, .reset, .silent, .live, .finACK, .finACK, .unanswered, .finACK,
    .refused, .finACK, .halfClosed, .finACK, .live, .finACK, .reset, .finACK,
  ]
  private static let udp: [Ending] = [.silent, .live, .silent, .silent]
}
