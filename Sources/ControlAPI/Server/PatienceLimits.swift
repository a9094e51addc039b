package import NIOCore

/// How long a client may keep the server waiting. A client that is slower holds a connection or a call, and
/// memory for it, without using it.
package struct PatienceLimits: Sendable {
  /// From accepting a connection to the first HTTP/2 frame: a TLS handshake and one round trip.
  package var preface = TimeAmount.seconds(10)
  /// After so long without a byte the server asks for one (an HTTP/2 ping) ...
  package var ping = TimeAmount.seconds(20)
  /// ... and after so long it closes the connection: the client has died, or does not read.
  package var silence = TimeAmount.seconds(60)
  /// A call whose client has not said all and says nothing ends after so long.
  package var idle: TimeAmount
  /// A call whose client does not take what was sent to it ends after so long.
  package var stall = TimeAmount.seconds(30)
  /// From the order to stop until calls that still run are cut off, and until nothing is waited for any more.
  /// The whole process has a second to stop.
  package var stopping = (forced: Duration.milliseconds(500), abandoned: Duration.milliseconds(750))

  /// - Parameter idleSeconds: the limit of an AddSession stream, which its service enforces with a status of
  ///   its own; this one is for everything else, and a little later.
  package init(idleSeconds: UInt32) { idle = .seconds(Int64(idleSeconds) + 5) }
}
