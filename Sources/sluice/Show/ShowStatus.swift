import ArgumentParser
import ControlClient
import Dataplane

/// `sluice show status`.
struct ShowStatus: Showing {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "What runs, since when, and how full it is.")

  @OptionGroup var client: ClientOptions
  @OptionGroup var again: RepeatOptions

  static func read(_ control: Control) async throws -> StatusReading { try await control.status() }

  static func text(_ now: StatusReading, since earlier: StatusReading?) -> String {
    let start = RFC3339.text(PacketTime(nanoseconds: now.startNanoseconds))
    let uptime = Figures.duration(UInt64(max(0, min(now.uptimeSeconds, 1e15))))
    return """
      sluice \(now.version), commit \(now.commit), up \(uptime), since \(start)
      \(row("workers", UInt64(now.workers)))
      \(row("capacity", now.capacity, "sessions"))

      \(SessionTotals.text(now, since: earlier))
      """
  }

  static func json(_ now: StatusReading, since earlier: StatusReading?) -> String {
    JSONText.of(Rated(item: now, rates: SessionTotals.rates(now, since: earlier)))
  }
}

/// `sluice show sessions`.
struct ShowSessions: Showing {
  static let configuration = CommandConfiguration(
    commandName: "sessions", abstract: "How many sessions there are and were; with --interval rates.",
    discussion: "`sluice session list` lists them.")

  @OptionGroup var client: ClientOptions
  @OptionGroup var again: RepeatOptions

  static func read(_ control: Control) async throws -> StatusReading { try await control.status() }

  static func text(_ now: StatusReading, since earlier: StatusReading?) -> String {
    SessionTotals.text(now, since: earlier)
  }

  static func json(_ now: StatusReading, since earlier: StatusReading?) -> String {
    JSONText.of(
      Rated(
        item: [
          "capacity": now.capacity, "live": now.liveSessions, "lingering": now.lingeringSessions,
          "opened": now.sessionsOpened, "closed_finack": now.closedFinack, "closed_rst": now.closedRst,
          "closed_timeout": now.closedTimeout, "deleted": now.sessionsDeleted,
          "closed_retained": now.closedRetained, "closed_retention": now.closedRetention,
          "closed_lost": now.closedLost,
        ], rates: SessionTotals.rates(now, since: earlier)))
  }
}

/// Sessions in numbers.
private enum SessionTotals {
  static func text(_ now: StatusReading, since earlier: StatusReading?) -> String {
    let closed = "by FIN/ACK \(now.closedFinack), RST \(now.closedRst), timeout \(now.closedTimeout)"
    let rates = rates(now, since: earlier)
    func remark(_ name: String, _ text: String) -> String {
      guard let rate = rates?[name] else { return text }
      return "\(Figures.scaled(rate)) a second" + (text.isEmpty ? "" : "; \(text)")
    }
    return [
      "sessions", row("live", now.liveSessions, "of \(grouped(now.capacity))"),
      row("lingering", now.lingeringSessions, "closed, still counting late packets"),
      row("opened", now.sessionsOpened, remark("opened_per_second", "")),
      row("closed", closedCount(now), remark("closed_per_second", closed)),
      row("deleted", now.sessionsDeleted, remark("deleted_per_second", "")),
      row(
        "closed, retained", now.closedRetained,
        "of \(grouped(now.closedRetention)) at most, until acknowledged"),
      row("closed, lost", now.closedLost, "records that newer ones took the place of"),
    ].joined(separator: "\n")
  }

  static func rates(_ now: StatusReading, since earlier: StatusReading?) -> [String: Double]? {
    guard let earlier, now.uptimeSeconds > earlier.uptimeSeconds else { return nil }
    let seconds = now.uptimeSeconds - earlier.uptimeSeconds
    func rate(_ count: (StatusReading) -> UInt64) -> Double {
      Double(count(now) >= count(earlier) ? count(now) - count(earlier) : 0) / seconds
    }
    return [
      "opened_per_second": rate(\.sessionsOpened), "closed_per_second": rate(closedCount),
      "deleted_per_second": rate(\.sessionsDeleted),
    ]
  }

  private static func closedCount(_ status: StatusReading) -> UInt64 {
    status.closedFinack + status.closedRst + status.closedTimeout
  }
}
