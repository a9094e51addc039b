/// Where a session stands. UDP sessions stay `established`.
package enum TrackState: UInt8, CaseIterable, BitwiseCopyable, Sendable {
  /// Learned from a SYN, no answer yet.
  case synSent = 0
  /// SYN answered by SYN/ACK, not yet acknowledged.
  case synReceived = 1
  case established = 2
  /// One side has sent a FIN.
  case closing1 = 3
  /// Both sides have.
  case closing2 = 4
  /// Closed by FIN or RST; lingers to count late packets.
  case closed = 5

  /// Whether the session is over and only lingers.
  @inline(__always) package var isClosed: Bool { self == .closed }
  @inline(__always) package var isClosing: Bool { self == .closing1 || self == .closing2 }
}

extension SessionPolicy {
  /// Nanoseconds of idleness after which a session in `state` ends (a closed one is forgotten).
  @inline(__always) package func timeout(in state: TrackState) -> UInt64 {
    switch state {
    case .established: idleTimeout
    case .synSent, .synReceived: handshakeTimeout
    case .closing1, .closing2: closingTimeout
    case .closed: lingerTimeout
    }
  }
}

/// `opi.security.firewall.v1.SessionState`, same numbers.
public enum SessionState: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case established = 0
  case closing1 = 1
  case closing2 = 2
  case closed = 3

  /// The name in the API's proto file.
  public var protoName: String {
    switch self {
    case .established: "_ESTABLISHED"
    case .closing1: "_CLOSING_1"
    case .closing2: "_CLOSING_2"
    case .closed: "_CLOSED"
    }
  }
}

/// `opi.security.firewall.v1.SessionCloseCode`, same numbers.
public enum CloseCode: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case notClosed = 0
  case finACK = 1
  case reset = 2
  case timeout = 3

  /// The name in the API's proto file.
  public var protoName: String {
    switch self {
    case .notClosed: "_NOT_CLOSED"
    case .finACK: "_FINACK"
    case .reset: "_RST"
    case .timeout: "_TIMEOUT"
    }
  }
}
