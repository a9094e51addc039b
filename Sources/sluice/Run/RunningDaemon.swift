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
    for warning in server.warnings { standardError("sluice: warning: \(warning)") }
    let (daemon, server) = (daemon, server)
    let problem = Mutex<String?>(nil)
    let end = DispatchSemaphore(value: 0)
    Interrupt.calls { Self.stop(daemon, server) }
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
    while end.wait(timeout: .now() + Self.glance) == .timedOut {
      guard daemon.failure != nil, !Interrupt.wasRequested else { continue }
      Self.stop(daemon, server)
    }
    daemon.stop()
    if let message = daemon.failure ?? problem.withLock({ $0 }) {
      throw CommandFailure(status: 1, message: message)
    }
  }

  /// New calls are refused and those that run are answered; then those that would go on forever end.
  private static func stop(_ daemon: Daemon, _ server: ControlServer) {
    Systemd.notify("STOPPING=1")
    server.stop()
    DispatchQueue.global().asyncAfter(deadline: .now() + patience) { daemon.sessions.stop() }
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
  /// Of the second that stopping may take, what calls have to end by themselves.
  private static let patience = DispatchTimeInterval.milliseconds(250)
}
