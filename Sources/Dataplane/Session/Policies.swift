/// What happens to a TCP or UDP packet that no session matches.
public enum MissPolicy: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// To the host port, where the application that decides about sessions listens.
  case punt
  /// Out by the port's peer.
  case forward
  case drop
  /// A session is opened from the packet, with the port's learned action.
  case learn
  /// To the next hop that the route table names. Of routed ports only.
  case route
}

/// What happens to a packet that cannot be a session: ARP, ND, ICMP, LLDP, other protocols.
public enum NonSessionPolicy: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case forward
  case punt
  case drop
}

/// Who acts on FIN, RST and SYN. docs/tcp-tracking.md.
public enum TCPControl: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// The session follows the connection to FIN, RST or timeout.
  case track
  /// Control packets go to the host port; sessions end by timeout or delete only.
  case punt
}

/// Idle times, in seconds. docs/configuration.md.
public struct Timeouts: Hashable, Sendable {
  /// Learned TCP sessions whose handshake is complete, or was never seen.
  public var learnedTCP: UInt32 = 3600
  /// Learned TCP sessions before the handshake completes.
  public var learnedHandshake: UInt32 = 30
  public var learnedUDP: UInt32 = 60
  /// A TCP session after its first FIN, unless its own timeout is shorter.
  public var closing: UInt32 = 10
  /// How long a closed TCP session still counts late packets, unless its own timeout is shorter.
  public var linger: UInt32 = 10
  /// For a request with cachetimeout 0.
  public var cacheDefault: UInt32 = 10
  /// The largest cachetimeout accepted.
  public var cacheMaximum: UInt32 = 86_400

  public init() {}
}
