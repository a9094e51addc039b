import Config
import ControlAPI
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Testing

@Suite struct TLSTests {
  let certificates: Certificates

  init() async throws { certificates = try await Certificates() }

  private func settings(_ listeners: TLSListener...) -> APISettings {
    var settings = APISettings()
    settings.listeners = listeners
    return settings
  }

  /// Whether a client with that certificate is served at a listener `127.0.0.1:PORT` or `[::1]:PORT`.
  private func isServed(
    _ listener: ListenerContext, as name: String?, trusting authority: String = "ca",
    within patience: Duration = .seconds(30)
  ) async -> Bool {
    let folder = certificates.folder
    let port = Int(listener.name.split(separator: ":").last ?? "") ?? 0
    let roots: TLSConfig.TrustRootsSource = .certificates([
      .file(path: folder("\(authority).pem"), format: .pem)
    ])
    let isIPv6 = listener.name.hasPrefix("[")
    do {
      let security: HTTP2ClientTransport.Posix.TransportSecurity
      if let name {
        security = .mTLS(
          certificateChain: [.file(path: folder("\(name).pem"), format: .pem)],
          privateKey: .file(path: folder("\(name).key"), format: .pem)
        ) { $0.trustRoots = roots }
      } else {
        security = .tls { $0.trustRoots = roots }
      }
      let target: any ResolvableTarget =
        isIPv6 ? .ipv6(address: "::1", port: port) : .ipv4(address: "127.0.0.1", port: port)
      return try await withGRPCClient(
        transport: .http2NIOPosix(target: target, transportSecurity: security)
      ) { client in try await answers(client, within: patience) }
    } catch { return false }
  }

  /// Whether a call is answered at once; a connection that is refused is tried again for ever.
  private func answers(_ client: Client, within patience: Duration) async throws -> Bool {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask { try await isServing(client) }
      group.addTask {
        try await Task.sleep(for: patience)
        return false
      }
      defer { group.cancelAll() }
      return try await group.next() ?? false
    }
  }

  @Test func aClientNeedsACertificateOfTheCA() async throws {
    try await serving(certificates.folder("s"), settings(certificates.listener())) { server, _ async throws in
      let listener = server.listeners[1]
      #expect(server.warnings.isEmpty)
      #expect(await isServed(listener, as: "client"))
      #expect(await !isServed(listener, as: nil, within: .seconds(2)))
      #expect(await !isServed(listener, as: "stranger", within: .seconds(2)))
      #expect(await !isServed(listener, as: "client", trusting: "other-ca", within: .seconds(2)))
      #expect(await isServed(listener, as: "client"))
    }
  }

  @Test func withoutClientAuthenticationThereIsAWarning() async throws {
    let open = certificates.listener(requiresClient: false)
    try await serving(certificates.folder("s"), settings(open)) { server, _ async throws in
      #expect(
        server.warnings == [
          "\(server.listeners[1].name): client_auth is none: whoever can connect can "
            + "change and delete sessions"
        ])
      #expect(await isServed(server.listeners[1], as: nil))
      #expect(await isServed(server.listeners[1], as: "client"))
    }
  }

  @Test func severalListenersHaveTheirOwnEncoding() async throws {
    var host = certificates.listener(host: "::1")
    host.ipv4Encoding = .host
    var settings = settings(certificates.listener(), host)
    settings.ipv4Encoding = .inetPton
    try await serving(certificates.folder("s"), settings) { server, _ async throws in
      #expect(server.listeners.map(\.ipv4Encoding) == [.inetPton, .inetPton, .host])
      #expect(server.listeners[0].name == "unix:" + certificates.folder("s"))
      #expect(server.listeners[2].name.hasPrefix("[::1]:"))
      for listener in server.listeners.dropFirst() { #expect(await isServed(listener, as: "client")) }
      #expect(try await isServing(certificates.folder("s")))
    }
  }

  @Test func plaintextIsNotServed() async throws {
    try await serving(certificates.folder("s"), settings(certificates.listener(requiresClient: false))) {
      server, _ in
      let port = Int(server.listeners[1].name.split(separator: ":").last ?? "") ?? 0
      let isServed = try? await withGRPCClient(
        transport: .http2NIOPosix(
          target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext)
      ) { try await answers($0, within: .seconds(2)) }
      #expect(isServed != true)
    }
  }

  private func refusal(_ change: (inout TLSListener) -> Void) -> ControlServerError? {
    var listener = certificates.listener()
    change(&listener)
    do {
      _ = try ControlListeners(socket: certificates.folder("r"), settings(listener))
      return nil
    } catch {
      return error
    }
  }

  @Test func filesThatAreNoGoodAreNamed() throws {
    let folder = certificates.folder
    let missing = refusal { $0.key = folder("no.key") }
    #expect(
      missing?.message == "127.0.0.1:0: key: \(folder("no.key")): cannot be read: No such file or directory")
    #expect(missing?.status == 2)
    let wrong = refusal { $0.key = folder("client.key") }
    #expect(
      wrong?.message == "127.0.0.1:0: key: \(folder("client.key")) is not that of \(folder("server.pem"))")
    let noKey = refusal { $0.key = folder("server.pem") }
    #expect(noKey?.message.contains("accepted: a private key in PEM") == true)
    let noChain = refusal { $0.certificate = folder("server.key") }
    #expect(noChain?.message.contains("127.0.0.1:0: certificate: ") == true)
    let noCA = refusal { $0.clientCA = nil }
    #expect(noCA?.message.contains("client_ca: missing") == true)
    let unreadable = refusal { $0.clientCA = folder("nothing.pem") }
    #expect(unreadable?.message.contains("client_ca: \(folder("nothing.pem")): cannot be read") == true)
    #expect(refusal { _ in } == nil)
  }

  @Test func anAddressThatIsTakenIsNamed() async throws {
    try await serving(certificates.folder("s"), settings(certificates.listener())) { server, _ async throws in
      let port = UInt16(server.listeners[1].name.split(separator: ":").last ?? "") ?? 0
      let refused = refusal { $0.port = port }
      #expect(refused?.message == "127.0.0.1:\(port): cannot listen there: Address already in use")
      #expect(refused?.status == 1)
    }
    #expect(
      refusal { $0.host = "localhost" }?.message == "localhost: accepted: a numeric IPv4 or IPv6 address")
  }
}
