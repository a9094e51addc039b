import Config
import ControlAPI
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import OPIProtos
import Synchronization

typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

/// Serves while `body` runs, then stops; how long that took is what it returns.
///
/// - Parameter body: gets the server, and what it has logged so far.
@discardableResult
func serving(
  _ socket: String, _ settings: APISettings = APISettings(), patience: PatienceLimits? = nil,
  services: (ListenerContext) -> [any RegistrableRPCService] = { _ in [] },
  _ body: @escaping @Sendable (ControlServer, ServerLog) async throws -> Void
) async throws -> Duration {
  let log = ServerLog()
  let server = try ControlServer(
    ControlListeners(socket: socket, settings), settings,
    patience: patience ?? PatienceLimits(idleSeconds: settings.limits.idleSeconds),
    log: { log.add($0) }, services: services)
  let running = Task { try await server.run() }
  let result: Result<Void, any Error>
  do { result = .success(try await body(server, log)) } catch { result = .failure(error) }
  let begin = ContinuousClock.now
  server.stop()
  try await running.value
  try result.get()
  return ContinuousClock.now - begin
}

/// What a server logged.
final class ServerLog: Sendable {
  private let kept = Mutex<[String]>([])
  var lines: [String] { kept.withLock { $0 } }
  func add(_ line: String) { kept.withLock { $0.append(line) } }
}

/// A client of a unix socket.
func connected<Result: Sendable>(
  _ socket: String, _ body: @Sendable @escaping (Client) async throws -> Result
) async throws -> Result {
  try await withGRPCClient(
    transport: .http2NIOPosix(
      target: .unixDomainSocket(path: socket, authority: "localhost"), transportSecurity: .plaintext),
    handleClient: body)
}

/// Whether the server answers that it is well.
func isServing(_ client: Client, _ service: String = "") async throws -> Bool {
  let health = Grpc_Health_V1_Health.Client(wrapping: client)
  return try await health.check(.with { $0.service = service }).status == .serving
}

func isServing(_ socket: String) async throws -> Bool {
  try await connected(socket) { try await isServing($0) }
}
