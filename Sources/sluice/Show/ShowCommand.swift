import ArgumentParser
import ControlClient

/// `sluice show`: the state of a running daemon.
struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show what a running daemon does: status, workers, ports, drops, sessions, neighbors, memory.",
    discussion: """
      Counters are since the daemon's start. With --interval the first output has them, and each later \
      one has rates since the one before. Talks to `sluice run` over its control socket: --socket, else \
      $SLUICE_SOCKET, else \(SocketProbe.defaultPath).

      Examples:
        sluice show status
        sluice show workers --interval 1
        sluice show ports --json --interval 5 --count 12
      """,
    subcommands: [
      ShowStatus.self, ShowWorkers.self, ShowPorts.self, ShowDrops.self, ShowSessions.self,
      ShowNeighbors.self, ShowMemory.self,
    ])
}

/// One subcommand of `show`: reads something and prints it, once or again and again.
protocol Showing: ParsableCommand, SendableMetatype {
  associatedtype Answer: Sendable

  var client: ClientOptions { get }
  var again: RepeatOptions { get }

  static func read(_ control: Control) async throws -> Answer
  /// For people. `earlier` is the reading before, nil for the first.
  static func text(_ answer: Answer, since earlier: Answer?) -> String
  /// One JSON object.
  static func json(_ answer: Answer, since earlier: Answer?) -> String
}

extension Showing {
  func run() throws {
    let (json, repetition) = (client.json, again.repetition)
    try ClientCall.run(client.target) { control in
      var earlier: Answer?
      try await repetition.run(json: json) {
        let answer = try await Self.read(control)
        try StandardOutput.print(
          json ? Self.json(answer, since: earlier) : Self.text(answer, since: earlier))
        earlier = answer
      }
    }
  }
}
