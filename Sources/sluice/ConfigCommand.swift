import ArgumentParser
import Config
import Dataplane

/// `sluice config`: what can be said about a configuration without running it.
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Examine configuration files.", subcommands: [Check.self])

  /// `sluice config check`.
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check a configuration and its sessions, and say everything that is wrong.",
      discussion:
        "Prints FILE:LINE:COLUMN: FIELD: what was found and what is accepted. Exit status 2 when refused.")

    @Argument(help: "The configuration file (YAML).") var file: String
    @Option(help: ArgumentHelp("A sessions file to check with it.", valueName: "file")) var sessions: String?

    func run() throws {
      let configuration = try ConfigFiles.configuration(file)
      let extra = try sessions.map { try ConfigFiles.sessions($0, with: configuration) } ?? []
      try StandardOutput.print(
        "\(file): good: \(configuration.ports.count) ports, \(configuration.neighbors.count) neighbours, "
          + "\(configuration.sessions.count + extra.count) sessions, capacity \(configuration.capacity)")
    }
  }
}

/// Loads configuration and sessions files; what is wrong with them ends the command with status 2.
enum ConfigFiles {
  static func configuration(_ file: String) throws(CommandFailure) -> Configuration {
    do throws(ConfigError) {
      return try Configuration.load(path: file)
    } catch {
      throw CommandFailure(status: 2, message: error.description)
    }
  }

  static func sessions(_ file: String, with configuration: Configuration) throws(CommandFailure)
    -> [SessionRequest]
  {
    do throws(ConfigError) {
      return try SessionsFile.load(
        path: file, timeouts: configuration.timeouts, knownLIFs: configuration.knownLIFs,
        besides: configuration.sessions)
    } catch {
      throw CommandFailure(status: 2, message: error.description)
    }
  }
}
