import Config

extension ReloadPlan {
  /// Adds what differs and cannot change while the daemon runs.
  static func checkFixed(_ running: Configuration, _ wanted: Configuration, _ refusal: inout Refusal) {
    for (field, differs) in fixed where differs(running, wanted) {
      refusal.add(field, "cannot change while it runs: restart to change it")
    }
    if running.ports.contains(where: { $0.capture != nil }), running.captures != wanted.captures {
      refusal.add("captures", "play already and cannot change while they do: restart to change it")
    }
    if running.sessions != wanted.sessions {
      refusal.add(
        "sessions",
        "are added at the start only: use sluice session add and delete, or restart")
    }
    // What the list does not know cannot change either.
    if refusal.problems.isEmpty, running.changed(as: wanted) != wanted {
      refusal.add("", "differs in what cannot change while it runs: restart to change it")
    }
  }

  private typealias Differs = @Sendable (Configuration, Configuration) -> Bool

  private static let fixed: [(field: String, differs: Differs)] = [
    ("capacity", { $0.capacity != $1.capacity }),
    ("workers", { $0.workers != $1.workers }),
    ("cores", { $0.threads.cores != $1.threads.cores }),
    ("polling", { $0.threads.isBusyPolling != $1.threads.isBusyPolling }),
    ("idle_budget_us", { $0.threads.idleMicroseconds != $1.threads.idleMicroseconds }),
    ("scheduler_policy", { ($0.threads.fifoPriority == nil) != ($1.threads.fifoPriority == nil) }),
    ("scheduler_priority", { $0.threads.fifoPriority != $1.threads.fifoPriority }),
    ("mlockall", { $0.threads.locksMemory != $1.threads.locksMemory }),
    ("prefault", { $0.threads.prefaults != $1.threads.prefaults }),
    ("warm_restart.directory", { $0.warmRestart?.directory != $1.warmRestart?.directory }),
    ("api.socket", { $0.api.socket != $1.api.socket }),
    ("api.socket_mode", { $0.api.socketMode != $1.api.socketMode }),
    ("api.socket_group", { $0.api.socketGroup != $1.api.socketGroup }),
    ("api.ipv4_encoding", { $0.api.ipv4Encoding != $1.api.ipv4Encoding }),
    ("api.lif", { $0.api.lifPolicy != $1.api.lifPolicy }),
    ("api.report_deleted", { $0.api.reportsDeleted != $1.api.reportsDeleted }),
    ("api.listen", { $0.api.listeners != $1.api.listeners }),
    ("api.limits.connections", { $0.api.limits.connections != $1.api.limits.connections }),
    (
      "api.limits.calls_per_connection",
      { $0.api.limits.callsPerConnection != $1.api.limits.callsPerConnection }
    ),
    ("api.limits.message_bytes", { $0.api.limits.messageBytes != $1.api.limits.messageBytes }),
    ("api.limits.idle_seconds", { $0.api.limits.idleSeconds != $1.api.limits.idleSeconds }),
  ]
}

extension Configuration {
  /// This one with everything of `wanted` that can change, or has its own rules.
  fileprivate func changed(as wanted: Configuration) -> Configuration {
    var changed = self
    changed.ports = wanted.ports
    changed.neighbors = wanted.neighbors
    changed.routes = wanted.routes
    changed.timeouts = wanted.timeouts
    changed.tcpControl = wanted.tcpControl
    changed.copies = wanted.copies
    changed.captures = wanted.captures
    changed.closedRetention = wanted.closedRetention
    changed.api.limits.sessionsPerStream = wanted.api.limits.sessionsPerStream
    changed.api.limits.pageSize = wanted.api.limits.pageSize
    return changed
  }
}
