/// What is done with a session's packets. `opi.security.firewall.v1.ActionType`, same numbers.
public enum Action: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// Discard and count.
  case drop = 0
  /// Out by the session's other LIF.
  case forward = 1
  /// Forward, and copy to the next hop.
  case mirror = 2
  /// To the slow path (host port, else forwarded), and copy to the next hop.
  case snoop = 3

  /// The name in the API's proto file.
  public var protoName: String {
    switch self {
    case .drop: "_DROP"
    case .forward: "_FORWARD"
    case .mirror: "_MIRROR"
    case .snoop: "_SNOOP"
    }
  }
}

/// The protocols that sessions exist for. `opi.security.firewall.v1.ProtocolId`; IANA numbers.
public enum SessionProtocol: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case tcp = 6
  case udp = 17

  /// The name in the API's proto file.
  public var protoName: String { self == .tcp ? "_TCP" : "_UDP" }
}

/// A session's identity for Get and Delete. Chosen by the client; 0 asks the server to choose.
public struct SessionID: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public let rawValue: UInt64
  @inline(__always) public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// "The server assigns": never the id of a session.
  public static let unassigned = SessionID(0)
  /// Ids with this bit are the server's (learned sessions too); clients may not use them.
  public static let serverBit: UInt64 = 1 << 62
  /// Ids from here on are page cursors, never sessions.
  public static let cursorBit: UInt64 = 1 << 63

  /// The worker that assigned it; nil for a client's id.
  package var assigningWorker: Int? { rawValue & Self.serverBit == 0 ? nil : Int(rawValue >> 56 & 63) }

  public static func < (left: SessionID, right: SessionID) -> Bool { left.rawValue < right.rawValue }
  public var description: String { "\(rawValue)" }
}

/// A 5-tuple as the session's initiator sends it.
public struct FiveTuple: Hashable, Sendable, BitwiseCopyable {
  public var source: IPAddress
  public var destination: IPAddress
  public var sourcePort: UInt16
  public var destinationPort: UInt16
  public var transport: SessionProtocol

  /// - Precondition: both addresses are of one family (checked by `SessionRequest.problem`).
  public init(
    source: IPAddress, sourcePort: UInt16, destination: IPAddress, destinationPort: UInt16,
    transport: SessionProtocol
  ) {
    self.source = source
    self.sourcePort = sourcePort
    self.destination = destination
    self.destinationPort = destinationPort
    self.transport = transport
  }
}

/// A request to add a session. `opi.security.firewall.v1.SessionRequest`, already decoded and range-checked.
public struct SessionRequest: Hashable, Sendable, BitwiseCopyable {
  public var id: SessionID
  /// Where the initiator's packets arrive, and where the responder's do.
  public var inLIF: LIF
  public var outLIF: LIF
  public var tuple: FiveTuple
  public var action: Action
  /// Where MIRROR and SNOOP copies go; not used by DROP and FORWARD.
  public var nextHop: IPAddress?
  /// Idle time in seconds after which the session ends; 0 means the configured default.
  public var cacheTimeout: UInt32

  public init(
    id: SessionID, inLIF: LIF = .any, outLIF: LIF = .any, tuple: FiveTuple, action: Action,
    nextHop: IPAddress? = nil, cacheTimeout: UInt32 = 0
  ) {
    self.id = id
    self.inLIF = inLIF
    self.outLIF = outLIF
    self.tuple = tuple
    self.action = action
    self.nextHop = nextHop
    self.cacheTimeout = cacheTimeout
  }
}
