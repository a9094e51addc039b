internal import Config
internal import Dataplane
public import GRPCCore
public import Gateway

/// What the control API serves of a daemon: SessionTable of both generations and our own service. What they
/// share across listeners lives here.
public final class ControlServices: Sendable {
  /// Has the daemon read its configuration again.
  public typealias Reload = @Sendable () async -> ReloadOutcome

  private let daemon: Daemon
  private let version: String
  private let commit: String
  private let settings: CallSettings
  private let budget: RequestBudget
  private let watch: StreamWatch
  private let reload: Reload

  /// - Parameters:
  ///   - version: what `sluice --version` prints.
  ///   - commit: what the program was built from.
  ///   - reload: has the daemon read its configuration again.
  public init(_ daemon: Daemon, version: String, commit: String, reload: @escaping Reload) {
    self.daemon = daemon
    self.version = version
    self.commit = commit
    self.reload = reload
    let limits = daemon.configuration.api.limits
    let settings = CallSettings(daemon.configuration)
    self.settings = settings
    budget = RequestBudget(limits.sessionsPerStream * Self.fullStreams)
    watch = StreamWatch(allowed: .seconds(limits.idleSeconds))
    let budget = budget
    daemon.whenReloaded { configuration in
      let before = settings.change(to: configuration).limits.sessionsPerStream
      budget.giveBack((configuration.api.limits.sessionsPerStream - before) * Self.fullStreams)
    }
  }

  /// The services of one listener.
  public func services(for listener: ListenerContext) -> [any RegistrableRPCService] {
    [
      OPISessionTable(calls: calls(listener, .opi)),
      OpenOffloadSessionTable(calls: calls(listener, .openOffload)),
      DataplaneService(daemon: daemon, version: version, commit: commit, reload: reload),
    ]
  }

  private func calls(_ listener: ListenerContext, _ generation: Generation) -> SessionCalls {
    SessionCalls(
      service: daemon.sessions, settings: settings, ipv4Encoding: listener.ipv4Encoding,
      generation: generation, budget: budget,
      watch: watch)
  }

  /// Streams of the most sessions that may be unfinished at once; with the default limit they hold 110 MB.
  private static let fullStreams = 16
}
