import ArgumentParser
import ControlClient
import Dataplane

/// `sluice session get`.
struct SessionGet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Print sessions by id, live ones or closed ones that are retained.",
    discussion: "Exit status 1 when there is none of an id.")

  @OptionGroup var client: ClientOptions

  @Argument(help: ArgumentHelp("Session ids.", valueName: "id"))
  var ids: [SessionID]

  func run() throws {
    let (ids, json) = (ids, client.json)
    try ClientCall.run(client.target) { control in
      let printer = SessionPrinter(json: json)
      var missing: [SessionID] = []
      for id in ids {
        if let session = try await control.session(id) {
          try printer.print([session])
        } else {
          missing.append(id)
        }
      }
      try MissingSessions.fail(missing)
    }
  }
}

/// Ids of which there is no session.
enum MissingSessions {
  /// - Throws: `CommandFailure` with status 1 that names them, unless there are none.
  static func fail(_ ids: [SessionID]) throws(CommandFailure) {
    guard !ids.isEmpty else { return }
    let names = ids.prefix(10).map { "\($0)" }.joined(separator: ", ") + (ids.count > 10 ? ", ..." : "")
    throw CommandFailure(status: 1, message: "there is no session \(names)")
  }
}
