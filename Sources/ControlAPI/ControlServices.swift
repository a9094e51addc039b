internal import Config
internal import Dataplane
public import GRPCCore
public import Gateway

/// What the control API serves of a daemon: SessionTable of both generations and our own service. What they
/// share across listeners lives here.
public final class ControlServices: Sendable {
  private let daemon: Daemon
  private let version: String
  private let commit: String
  private let rules: SessionRequestRules
  private let budget: RequestBudget
  private let watch: StreamWatch

  /// - Parameters:
  ///   - version: what `sluice --version` prints.
  ///   - commit: what the program was built from.
  public init(_ daemon: Daemon, version: String, commit: String) {
    self.daemon = daemon
    self.version = version
    self.commit = commit
    let limits = daemon.configuration.api.limits
    rules = SessionRequestRules(daemon.configuration)
    budget = RequestBudget(limits.sessionsPerStream * Self.fullStreams)
    watch = StreamWatch(allowed: .seconds(limits.idleSeconds))
  }

  /// The services of one listener.
  public func services(for listener: ListenerContext) -> [any RegistrableRPCService] {
    [
      OPISessionTable(calls: calls(listener, .opi)),
      OpenOffloadSessionTable(calls: calls(listener, .openOffload)),
      DataplaneService(daemon: daemon, version: version, commit: commit),
    ]
  }

  private func calls(_ listener: ListenerContext, _ generation: Generation) -> SessionCalls {
    SessionCalls(
      service: daemon.sessions, rules: rules, limits: daemon.configuration.api.limits,
      ipv4Encoding: listener.ipv4Encoding, generation: generation, budget: budget, watch: watch)
  }

  /// Streams of the most sessions that may be unfinished at once; with the default limit they hold 110 MB.
  private static let fullStreams = 16
}
