import ControlClient
import Dataplane

/// Everything that `sluice top` shows, read at about one moment.
struct TopReading: Sendable {
  let status: StatusReading
  let workers: Reading<WorkerReading>
  let ports: Reading<PortReading>
  let drops: Reading<DropReading>
  let sessions: [SessionSnapshot]
  /// When the list of them was begun.
  let sessionsTime: ContinuousClock.Instant

  /// - Parameter withSessions: whether the sessions are listed too.
  init(_ control: Control, _ withSessions: Bool) async throws {
    var listed: [SessionSnapshot] = []
    sessionsTime = ContinuousClock().now
    if withSessions { try await control.sessions(.live, limit: TopSessions.most) { listed += $0 } }
    sessions = listed
    status = try await control.status()
    workers = try await control.workers()
    ports = try await control.ports()
    drops = try await control.drops()
  }

  /// A screen for people.
  func text(since earlier: TopReading, _ top: TopSessions, _ shown: Int) -> String {
    let full = status.capacity > 0 ? 100 * Double(status.liveSessions) / Double(status.capacity) : 0
    let head =
      "sluice \(status.version), up \(Figures.duration(UInt64(status.uptimeSeconds))); "
      + "\(grouped(status.liveSessions)) sessions of \(grouped(status.capacity)) (\(Int(full)) %), "
      + "\(grouped(status.sessionsOpened)) opened"
    var parts = [
      head, ShowWorkers.text(workers, since: earlier.workers), ShowPorts.text(ports, since: earlier.ports),
    ]
    if !drops.items.isEmpty { parts.append(ShowDrops.text(drops, since: earlier.drops)) }
    if shown > 0 { parts.append(top.text(shown)) }
    return parts.joined(separator: "\n\n")
  }

  /// The same as an object in one line.
  func json(since earlier: TopReading, _ top: TopSessions, _ shown: Int) -> String {
    let parts = [
      "\"status\":\(JSONText.of(status))",
      "\"workers\":\(ShowWorkers.json(workers, since: earlier.workers))",
      "\"ports\":\(ShowPorts.json(ports, since: earlier.ports))",
      "\"drops\":\(ShowDrops.json(drops, since: earlier.drops))",
      "\"sessions\":[\(top.json(shown))]",
    ]
    return "{\(parts.joined(separator: ","))}"
  }
}
