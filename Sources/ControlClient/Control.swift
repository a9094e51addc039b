internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import OPIProtos

/// A connection to the control API of a running daemon: what the command line may ask for, in its own words.
///
/// Uses `opi.security.firewall.v1` to add, read and delete sessions, `openoffload.v2` to take closed ones
/// away
/// and `sluice.v1` for everything else. Every call throws ``ControlError`` when it fails, `CancellationError`
/// when its task is cancelled.
package struct Control: Sendable {
  private let client: GRPCClient<HTTP2ClientTransport.Posix>
  private let target: Target

  /// Connects, hands the connection to `body` and closes it.
  package static func connected<Result: Sendable>(
    to target: Target, _ body: @Sendable (Control) async throws -> Result
  ) async throws -> Result {
    let transport = try HTTP2ClientTransport.Posix(
      // The name that every gRPC library sends for unix sockets; the path would not be a valid one.
      target: .unixDomainSocket(path: target.socket, authority: "localhost"), transportSecurity: .plaintext)
    return try await withGRPCClient(transport: transport) { client in
      try await body(Control(client: client, target: target))
    }
  }

  var dataplane: Sluice_V1_Dataplane.Client<HTTP2ClientTransport.Posix> { .init(wrapping: client) }
  var table: Opi_Security_Firewall_V1_SessionTable.Client<HTTP2ClientTransport.Posix> {
    .init(wrapping: client)
  }
  var laterTable: Openoffload_V2_SessionTable.Client<HTTP2ClientTransport.Posix> { .init(wrapping: client) }

  /// Makes one call; errors of gRPC become ours.
  func call<Result>(_ body: () async throws -> Result) async throws -> Result {
    do {
      return try await body()
    } catch let error as RPCError {
      if Task.isCancelled { throw CancellationError() }
      throw ControlError(error, target)
    }
  }

  /// Of calls that are answered at once. A daemon that is stopped in a debugger answers none.
  static var options: CallOptions {
    var options = CallOptions.defaults
    options.timeout = .seconds(30)
    return options
  }
}
