import Config
import ControlAPI
import Dataplane
import Dispatch
import Foundation
import Gateway
import Synchronization

/// The daemon from its start to its end: says that it is ready, waits for a signal or a failure, and stops
/// everything in good order.
struct RunningDaemon {
  private let daemon: Daemon
  private let server: ControlServer

  init(_ daemon: Daemon, _ server: ControlServer) {
    self.daemon = daemon
    self.server = server
  }

  /// Returns when it was stopped by a signal.
  ///
  /// - Throws: `CommandFailure` with status 1 when a worker, a port or a listener failed.
  func serve() throws(CommandFailure) {
    HugePageNotice.announce()
    if let restart = daemon.warmRestart { standardError("sluice: warm restart: \(restart)") }
    for warning in daemon.warnings + server.warnings { standardError("sluice: warning: \(warning)") }
    let (daemon, server) = (daemon, server)
    let problem = Mutex<String?>(nil)
    let end = DispatchSemaphore(value: 0)
    // The handler lives as long as the process; the socket is removed when the server is let go.
    Interrupt.calls { [weak server] in server.map(Self.stop) }
    Task {
      do throws(ControlServerError) {
        try await server.run()
      } catch {
        problem.withLock { $0 = error.message }
      }
      end.signal()
    }
    standardError("sluice: ready: \(summary)")
    Systemd.notify("READY=1\nSTATUS=\(summary)")
    while daemon.failure == nil, end.wait(timeout: .now() + Self.glance) == .timedOut {
      daemon.lookAfterPorts()
    }
    if daemon.failure != nil, !Interrupt.wasRequested {
      Self.stop(server)
      end.wait()
    }
    daemon.stop()
    if let message = daemon.failure ?? problem.withLock({ $0 }) {
      throw CommandFailure(status: 1, message: message)
    }
  }

  /// New calls are refused, those that run are answered, and streams that would go on forever are ended.
  private static func stop(_ server: ControlServer) {
    Systemd.notify("STOPPING=1")
    server.stop()
  }

  private var summary: String {
    let ports = daemon.configuration.ports.map { "\($0.name) (LIF \($0.lif))" }
    let workers = daemon.configuration.workers
    return [
      server.listeners.map(\.name).joined(separator: ", "),
      ports.isEmpty ? "no ports" : "ports \(ports.joined(separator: ", "))",
      workers == 1 ? "1 worker" : "\(workers) workers",
    ].joined(separator: "; ")
  }

  /// How often we look whether something failed.
  private static let glance = DispatchTimeInterval.milliseconds(200)
}
