import ArgumentParser
import CBuildInfo
import Foundation

/// The command line. Argument parsing and output only; the work is Gateway's.
@main
struct Sluice: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice",
    abstract: "A userspace packet-processing dataplane: session-offload firewall fast path.",
    discussion: """
      Exit status: 0 done, 1 refused or failed, 2 bad usage or configuration, 130 interrupted.
      """,
    version: BuildInfo.text,
    subcommands: [
      ReplayCommand.self, RunCommand.self, SessionCommand.self, ShowCommand.self, ReloadCommand.self,
      GenerateCommand.self, TopCommand.self, CaptureCommand.self, TraceCommand.self, ConfigCommand.self,
    ])

  static func main() {
    BuildInfo.checkCPU()
    // A reader that went away (`sluice … | head`) is an error of a write, not a signal.
    signal(SIGPIPE, SIG_IGN)
    FileLimit.raise()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as CommandFailure {
      if !failure.message.isEmpty { standardError("sluice: \(failure.message)") }
      Foundation.exit(failure.status)
    } catch {
      let code = exitCode(for: error)
      // ArgumentParser's own status for bad usage is 64.
      if code.rawValue == 0 { exit(withError: error) }
      standardError(fullMessage(for: error))
      Foundation.exit(code == .validationFailure ? 2 : code.rawValue)
    }
  }
}

/// A failure with its exit status; the message says what to change.
struct CommandFailure: Error {
  /// 1 refused or failed, 2 bad usage or configuration, 130 interrupted.
  let status: Int32
  /// Empty when there is nothing to say, as when Ctrl-C ends what would go on forever.
  let message: String
}

/// Writes a line to standard error.
func standardError(_ line: String) {
  FileHandle.standardError.write(Data((line + "\n").utf8))
}
