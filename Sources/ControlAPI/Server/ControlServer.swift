public import Config
public import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import Glibc

/// Serves the control API: on the control socket, and on TCP with TLS where the configuration says so.
///
/// Health and reflection are here; the other services are given. Clients are answered once it runs.
public final class ControlServer: Sendable {
  /// Where the control socket is when neither the configuration nor the command line names it.
  public static var defaultSocket: String { ControlSocket.defaultPath }

  /// Where it listens, as messages name it: the control socket first.
  public let listeners: [ListenerContext]
  /// What whoever starts it has to be told: listeners that take any client.
  public let warnings: [String]

  private let servers: [GRPCServer<HTTP2ServerTransport.Posix>]
  /// Held while it serves.
  private let socket: ControlSocket
  private let health: HealthStatus
  private let patience: PatienceLimits
  private let events: AsyncStream<Event>
  private let sink: AsyncStream<Event>.Continuation

  private enum Event: Sendable {
    case ended(listener: String, problem: String?)
    case stop
    case force
    case abandon
  }

  /// - Parameters:
  ///   - listeners: bound by the same settings.
  ///   - log: is told about refused connections, at most once a second.
  ///   - services: makes the services of a listener.
  public convenience init(
    _ listeners: ControlListeners, _ settings: APISettings, log: @escaping @Sendable (String) -> Void,
    services: (ListenerContext) -> [any RegistrableRPCService]
  ) {
    self.init(
      listeners, settings, patience: PatienceLimits(idleSeconds: settings.limits.idleSeconds), log: log,
      services: services)
  }

  /// - Parameter patience: as in `PatienceLimits`; tests are less patient.
  package init(
    _ listeners: ControlListeners, _ settings: APISettings, patience: PatienceLimits,
    log: @escaping @Sendable (String) -> Void, services: (ListenerContext) -> [any RegistrableRPCService]
  ) {
    let (control, tcp) = (listeners.socket, listeners.tcp)
    let health = HealthStatus()
    let settingsOfAll = TransportSettings(
      limits: settings.limits, patience: patience, batched: SessionCalls.batchedMethods,
      counted: SessionCalls.countedMethods)
    let count = ConnectionCount(limit: settings.limits.connections)
    let refusals = RefusalLog(log)

    func server(
      _ context: ListenerContext, _ descriptor: CInt,
      _ security: HTTP2ServerTransport.Posix.TransportSecurity, _ policy: PeerPolicy?
    ) -> GRPCServer<HTTP2ServerTransport.Posix> {
      let transport = HTTP2ServerTransport.Posix(
        listeningSocketDescriptor: Int(descriptor), transportSecurity: security,
        config: settingsOfAll.configuration {
          Admission(context.name, count: count, policy: policy, log: refusals)
        }, eventLoopGroup: ControlLoop.shared.group)
      return GRPCServer(transport: transport, router: .complete(services(context), health))
    }

    let first = ListenerContext(name: "unix:\(control.path)", ipv4Encoding: settings.ipv4Encoding)
    let others = zip(tcp, settings.listeners).map { listener, settingsOfIt in
      ListenerContext(name: listener.name, ipv4Encoding: settingsOfIt.ipv4Encoding ?? settings.ipv4Encoding)
    }
    self.listeners = [first] + others
    servers =
      [server(first, control.descriptor, .plaintext, PeerPolicy(user: geteuid(), group: control.group))]
      + zip(tcp, others).map { listener, context in
        server(context, listener.descriptor, listener.security, nil)
      }
    warnings = zip(others, settings.listeners).compactMap { context, settings in
      settings.requiresClient
        ? nil
        : "\(context.name): client_auth is none: whoever can connect can change and delete sessions"
    }
    self.socket = control
    self.health = health
    self.patience = patience
    (events, sink) = AsyncStream.makeStream()
  }

  /// Serves until `stop`, or until its task is cancelled, which means the same; once.
  ///
  /// - Throws: `ControlServerError` when a listener fails; the others have stopped then.
  public func run() async throws(ControlServerError) {
    let running = Task { await self.serve() }
    let problem = await withTaskCancellationHandler {
      await running.value
    } onCancel: {
      self.stop()
    }
    if let problem { throw .failed(problem) }
  }

  /// Stops in good order: health says so, calls are answered, streams end; what still runs then is cut off.
  /// `run` returns within a second.
  public func stop() { sink.yield(.stop) }

  /// - Returns: what went wrong.
  private func serve() async -> String? {
    let tasks = zip(listeners, servers).map { context, server in
      Task(executorPreference: ControlLoop.shared) {
        var problem: String?
        do { try await server.serve() } catch { problem = String(describing: error) }
        self.sink.yield(.ended(listener: context.name, problem: problem))
      }
    }
    Task { await deepenBacklog() }
    health.serve()
    var left = tasks.count
    var isStopping = false
    var failure: String?
    for await event in events {
      switch event {
      case .ended(let listener, let problem):
        left -= 1
        if !isStopping {
          failure = "\(listener): no longer served: \(problem ?? "it ended by itself")"
          stop()
        }
        if left == 0 { return failure }
      case .stop:
        guard !isStopping else { break }
        isStopping = true
        health.stop()
        for server in servers { server.beginGracefulShutdown() }
        later(patience.stopping.forced, .force)
        later(patience.stopping.abandoned, .abandon)
      case .force: for task in tasks { task.cancel() }
      case .abandon: return failure
      }
    }
    return failure
  }

  /// Lets more clients wait to be accepted at the control socket: who takes a listening socket over listens
  /// anew, with room for 128.
  private func deepenBacklog() async {
    guard let server = servers.first, (try? await server.listeningAddress) != nil else { return }
    socket.deepenBacklog()
  }

  private func later(_ time: Duration, _ event: Event) {
    let sink = sink
    Task {
      try? await Task.sleep(for: time)
      sink.yield(event)
    }
  }
}
