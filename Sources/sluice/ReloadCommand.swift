import ArgumentParser
import ControlClient

/// `sluice reload`.
struct ReloadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reload",
    abstract: "Have a running daemon read its configuration file again, as SIGHUP does.",
    discussion: """
      Ports, neighbours, limits and policies change while packets go on, all of it or nothing. Prints what \
      was changed. Exit status 1 when it was refused: then nothing was changed, and FILE:LINE:COLUMN: FIELD \
      says why.
      """)

  @OptionGroup var client: ClientOptions

  func run() throws {
    let asJSON = client.json
    try ClientCall.run(client.target) { control in
      let (changes, problems) = try await control.reload()
      if asJSON {
        struct Object: Encodable { let changes, problems: [String] }
        try StandardOutput.print(JSONText.of(Object(changes: changes, problems: problems)))
      }
      guard problems.isEmpty else {
        throw CommandFailure(
          status: 1, message: "reload refused, nothing was changed:\n" + problems.joined(separator: "\n"))
      }
      if !asJSON {
        try StandardOutput.print(changes.isEmpty ? "nothing differs" : changes.joined(separator: "\n"))
      }
    }
  }
}
