import Config
import Dataplane
import Foundation
import Gateway
import Testing

/// A replay in this process, and all that it reported.
struct ReplayRun {
  let summary: ReplaySummary
  /// Without the ids that a server assigns, sorted.
  let sessions: [String]

  init(_ options: ReplayOptions) throws {
    var options = options
    options.reportsSessions = true
    let replay = try Replay(options)
    var sessions: [String] = []
    summary = try replay.run(onSession: { sessions.append($0.comparable) })
    self.sessions = sessions.sorted()
  }

  /// All counters but those that tell workers and bursts apart.
  var totals: [String: UInt64] {
    var totals: [String: UInt64] = [:]
    for (counter, value) in summary.counts { totals["\(counter)"] = value }
    for counter in [Counter.bursts, .handedOff, .takenOver, .commands, .commandNanoseconds] {
      totals["\(counter)"] = nil
    }
    for (reason, count) in summary.drops { totals["drop \(reason)"] = count }
    for note in summary.notes { totals["note \(note.name)"] = note.count }
    return totals
  }

  func expectEquations(_ location: SourceLocation = #_sourceLocation) {
    summary.expectEquations(location)
    #expect(
      UInt64(sessions.count) == summary[.sessionsOpened],
      "each session is reported once", sourceLocation: location)
  }
}

extension SessionSnapshot {
  fileprivate var comparable: String {
    var copy = self
    if isLearned { copy.id = .unassigned }
    return "\(copy)"
  }
}

extension ReplaySummary {
  /// The equations of design decision 6, nothing being held.
  func expectEquations(_ location: SourceLocation = #_sourceLocation) {
    let verdicts: [Counter] = [.forwarded, .dropped, .mirrored, .snooped, .punted, .consumed]
    let decided = verdicts.reduce(0) { $0 + self[$1] }
    #expect(self[.packets] == decided, "each packet has one verdict", sourceLocation: location)
    #expect(
      self[.dropped] == drops.reduce(0) { $0 + $1.count }, "each drop has a reason", sourceLocation: location)
    #expect(
      self[.packets] == self[.matched] + self[.missed] + self[.other],
      "each packet found a session, found none or could not have one", sourceLocation: location)
    #expect(
      self[.transmitted] == self[.forwarded] + self[.mirrored] + self[.snooped] + self[.punted]
        + self[.generated] + self[.copiesMade] - self[.copiesFailed],
      "all that was sent has a cause", sourceLocation: location)
    #expect(self[.handedOff] == self[.takenOver], "hand-offs cancel", sourceLocation: location)
    #expect(self[.packets] == workers.reduce(0) { $0 + $1.packets }, sourceLocation: location)
    #expect(self[.held] == 0, sourceLocation: location)
    let ended = [Counter.closedFINACK, .closedRST, .closedTimeout, .sessionsDeleted].reduce(0) {
      $0 + self[$1]
    }
    #expect(self[.sessionsOpened] == ended + self[.liveSessions], sourceLocation: location)
  }
}

/// Files of the repository.
enum Files {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../..").standardized

  static let demo = root.appending(path: "configs/demo.pcap").path

  static func capture(_ name: String) -> String {
    root.appending(path: "Tests/Vectors/captures/\(name).pcap").path
  }

  static func captures() throws -> [String] {
    let names = try FileManager.default.contentsOfDirectory(atPath: root.path + "/Tests/Vectors/captures")
    return names.filter { $0.hasSuffix(".pcap") }.map { String($0.dropLast(5)) }.sorted()
  }

  /// The demo with its configuration and sessions.
  static func demoOptions() throws -> ReplayOptions {
    var options = ReplayOptions(captures: [demo])
    let configuration = root.appending(path: "configs/demo-replay.yaml").path
    options.configuration = try Configuration.load(path: configuration)
    options.sessions = try SessionsFile.load(path: root.appending(path: "configs/demo-sessions.yaml").path)
    return options
  }

  /// Replay of one capture with a session for every flow.
  static func learning(_ file: String, workers: Int = 1) -> ReplayOptions {
    var options = ReplayOptions(captures: [file])
    options.learn = .forward
    options.workers = workers
    return options
  }
}
