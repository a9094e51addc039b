public import Config

/// Why a running daemon did not change to another configuration: nothing of it was changed.
public struct ReloadRefusal: Error, Sendable {
  /// A line each: `file:line:column: field: what is wrong, and what would do`.
  public let problems: [String]

  /// The file itself is wrong.
  public init(_ error: ConfigError) {
    problems = error.description.split(separator: "\n").map(String.init)
  }

  init(_ refusal: ReloadPlan.Refusal, in file: ConfigurationFile) {
    problems = refusal.problems.map { file.problem($0.field, $0.message).description }
  }

  init(_ error: DaemonError, in file: ConfigurationFile) {
    problems = [file.problem(error.field, error.message).description]
  }
}

/// What came of a reload, for people.
public struct ReloadOutcome: Sendable {
  /// A line each. None when nothing differed.
  public var changes: [String] = []
  /// Why it was refused, a line each; empty when it was not.
  public var problems: [String] = []

  public init() {}
}

extension Daemon {
  /// Changes to another configuration, all of it or nothing, without touching sessions or what does not
  /// differ. One at a time; from any thread that may wait.
  ///
  /// - Returns: what was changed, a line each; none when nothing differs.
  public func reload(_ file: ConfigurationFile) throws(ReloadRefusal) -> [String] {
    let changes = try runtime.reload(file)
    sessions.setClosedRetention(file.configuration.closedRetention)
    for observer in observers.withLock({ $0 }) { observer(file.configuration) }
    return changes
  }

  /// Has `observer` told of the configuration after each change.
  public func whenReloaded(_ observer: @escaping @Sendable (Configuration) -> Void) {
    observers.withLock { $0.append(observer) }
  }
}
