import Config
import ControlAPI
import Dataplane
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import Gateway
import OPIProtos
import SwiftProtobuf

typealias Request = Opi_Security_Firewall_V1_SessionRequest
typealias Response = Opi_Security_Firewall_V1_SessionResponse
typealias AddResponse = Opi_Security_Firewall_V1_AddSessionResponse
private typealias Transport = HTTP2ClientTransport.Posix

/// A client of SessionTable in either package, of a daemon of its own. It speaks in the messages of the first
/// package, which are those of the other but for the names.
struct TableClient: Sendable {
  let package: TestedPackage
  let daemon: Daemon
  let socket: String
  fileprivate let client: GRPCClient<Transport>

  var opi: Opi_Security_Firewall_V1_SessionTable.Client<HTTP2ClientTransport.Posix> {
    .init(wrapping: client)
  }
  var openOffload: Openoffload_V2_SessionTable.Client<HTTP2ClientTransport.Posix> { .init(wrapping: client) }
  var dataplane: Sluice_V1_Dataplane.Client<HTTP2ClientTransport.Posix> { .init(wrapping: client) }

  func add(
    _ requests: [Request], _ metadata: Metadata = [:]
  ) async throws -> (response: AddResponse, trailing: Metadata) {
    switch package {
    case .opi:
      try await opi.addSession(metadata: metadata) { writer in
        for request in requests { try await writer.write(request) }
      } onResponse: {
        (try $0.message, $0.trailingMetadata)
      }
    case .openOffload:
      try await openOffload.addSession(metadata: metadata) { writer in
        for request in requests { try await writer.write(converted(request)) }
      } onResponse: {
        (try converted($0.message), $0.trailingMetadata)
      }
    }
  }

  /// AddSession with messages of any bytes.
  func addBytes(_ messages: [[UInt8]]) async throws {
    try await client.clientStreaming(
      request: StreamingClientRequest { writer in
        for message in messages { try await writer.write(message) }
      }, descriptor: Opi_Security_Firewall_V1_SessionTable.Method.AddSession.descriptor,
      serializer: BytesSerializer(),
      deserializer: ProtobufDeserializer<AddResponse>(), options: .defaults
    ) {
      _ = try $0.message
    }
  }

  /// Nil when there is none, however the package tells.
  func get(_ id: UInt64) async throws -> Response? {
    switch package {
    case .opi: try present(await opi.getSession(.with { $0.sessionID = id }), id)
    case .openOffload:
      try await present("Get Session Not Found") {
        try await converted(openOffload.getSession(.with { $0.sessionID = id }))
      }
    }
  }

  func delete(_ id: UInt64) async throws -> Response? {
    switch package {
    case .opi: try present(await opi.deleteSession(.with { $0.sessionID = id }), id)
    case .openOffload:
      try await present("Delete Session Not Found") {
        try await converted(openOffload.deleteSession(.with { $0.sessionID = id }))
      }
    }
  }

  /// A page of live sessions; `key` 0 is the first.
  func list(from key: UInt64 = 0) async throws -> (sessions: [Response], next: UInt64) {
    switch package {
    case .opi: return try await list(from: key, state: 0)
    case .openOffload:
      let page = try await openOffload.getAllSessions(.with { $0.startSession = key })
      return (try page.sessionInfo.map { try converted($0) }, page.nextKey)
    }
  }

  /// GetAllSession, which only the first package has.
  func list(from key: UInt64, state: Int) async throws -> (sessions: [Response], next: UInt64) {
    let page = try await opi.getAllSession(
      .with {
        $0.sessionid = key
        $0.sessionstate = .init(rawValue: state) ?? .established
      })
    return (page.sessioninfo, page.nextkey)
  }

  private func present(_ response: Response, _ id: UInt64) throws -> Response? {
    guard response.requeststatus == .rejectedSessionNonexistent else { return response }
    return response
      == .with {
        $0.sessionid = id
        $0.requeststatus = .rejectedSessionNonexistent
      } ? nil : response
  }

  private func present(_ text: String, _ call: () async throws -> Response) async throws -> Response? {
    do {
      return try await call()
    } catch let error as RPCError where error.code == .notFound && error.message == text {
      return nil
    }
  }
}

private struct BytesSerializer: MessageSerializer {
  func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes { Bytes(message) }
}

/// The same bytes as another message.
func converted<From: Message, To: Message>(_ message: From) throws -> To {
  try To(serializedBytes: message.serializedBytes() as [UInt8])
}

enum TestedPackage: String, CaseIterable, Sendable { case opi, openOffload }

/// Runs `body` with a client of a daemon with LIFs 1 and 2 and no traffic.
func withTable(
  _ package: TestedPackage, _ change: (inout Configuration) -> Void = { _ in },
  _ body: @Sendable (TableClient) async throws -> Void
) async throws {
  var configuration = Configuration()
  configuration.capacity = 1000
  configuration.ports = [
    Port(name: "a", lif: LIF(rawValue: 1), peer: LIF(rawValue: 2)),
    Port(name: "b", lif: LIF(rawValue: 2), peer: LIF(rawValue: 1)),
  ]
  change(&configuration)
  let directory = FileManager.default.temporaryDirectory.path + "/sluice-\(UUID().uuidString.prefix(8))"
  try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: directory) }
  let daemon = try Daemon(configuration)
  try daemon.start()
  defer { daemon.stop() }
  let services = ControlServices(daemon, version: "1.2.3", commit: "abc") { ReloadOutcome() }
  let server = try ControlServer(
    ControlListeners(socket: directory + "/s", configuration.api), configuration.api, log: { _ in }
  ) {
    services.services(for: $0)
  }
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await server.run() }
    let transport = try HTTP2ClientTransport.Posix(
      target: .unixDomainSocket(path: directory + "/s", authority: "localhost"), transportSecurity: .plaintext
    )
    try await withGRPCClient(transport: transport) { client in
      try await body(
        TableClient(package: package, daemon: daemon, socket: directory + "/s", client: client))
    }
    server.stop()
    try await group.waitForAll()
  }
}

extension Request {
  /// TCP from 10.0.0.`host`:1000 to 10.9.9.9:80, forwarded, as an `inet_pton` client sends it.
  init(id: UInt64, host: UInt8) {
    self.init()
    sessionID = id
    inlif = 1
    outlif = 2
    sourceip = UInt32(host) << 24 | 0x00_00_0A
    sourceport = 1000
    destinationip = 0x0909_090A
    destinationport = 80
    protocolid = .tcp
    action.actiontype = .forward
  }
}
