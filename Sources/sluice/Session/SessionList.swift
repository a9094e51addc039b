import ArgumentParser
import ControlClient
import Dataplane

/// `sluice session list`.
struct SessionList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List sessions, in no particular order.",
    discussion: """
      Each session that exists from beginning to end is listed exactly once. Long lists come page by \
      page, and --json prints an object a line, under the names of `replay --sessions-out`.

      Examples:
        sluice session list --limit 20
        sluice session list --state all --json | jq -s 'map(.in_bytes) | add'
        sluice session list --interval 2
      """)

  enum State: String, ExpressibleByArgument, CaseIterable {
    case live, established, closing, closed, all

    var filter: Control.Filter {
      switch self {
      case .live: .live
      case .established: .established
      case .closing: .closing
      case .closed: .closed
      case .all: .all
      }
    }
  }

  @OptionGroup var client: ClientOptions
  @OptionGroup var again: RepeatOptions

  @Option(help: "Which: live, established, closing, closed (those that are retained) or all.")
  var state = State.live

  @Option(help: ArgumentHelp("At most so many.", valueName: "n"))
  var limit: Int?

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit \(limit): accepted: 1 or more") }
  }

  func run() throws {
    let (filter, limit, json, repetition) = (state.filter, limit, client.json, again.repetition)
    try ClientCall.run(client.target) { control in
      try await repetition.run(json: json) {
        let printer = SessionPrinter(json: json)
        try await control.sessions(filter, limit: limit) { try printer.print($0) }
        try printer.finish()
      }
    }
  }
}
