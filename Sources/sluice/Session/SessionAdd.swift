import ArgumentParser
import Config
import ControlClient
import Dataplane

/// `sluice session add`.
struct SessionAdd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Add one session, or those of a file.",
    discussion: """
      They act on the next packet once this command has ended. A file is one as `replay --sessions` takes \
      it; it is checked as a whole and then sent in batches of \(Control.batchSize), of which each is added \
      as a whole or, when there is not room for all of it, not at all. What was refused is listed with the \
      reason. Exit status 1 when any was.

      Examples:
        sluice session add --inlif 1 --outlif 2 --protocol tcp --source 10.0.0.1:40000 \
      --destination 10.0.0.2:443 --action forward --timeout 300
        sluice session add --id 9 --inlif 1 --outlif 2 --protocol udp --source [fd00::1]:53 \
      --destination [fd00::2]:53 --action mirror --next-hop fd00::99
        sluice session add --file sessions.yaml --inlif 1 --outlif 2 --replace
      """)

  @OptionGroup var client: ClientOptions
  @OptionGroup var session: SessionArguments

  @Option(help: ArgumentHelp("Sessions to add (YAML).", valueName: "file"))
  var file: String?

  @Flag(
    help: "Change action and timeout of a session that exists under the same id and tuple; counters stay.")
  var replace = false

  func validate() throws {
    guard let file else {
      _ = try session.request()
      return
    }
    if file.isEmpty { throw ValidationError("--file: an empty path was given: name a file") }
    if let other = session.given.first {
      throw ValidationError(
        "\(other) and --file: use one of them; --file takes --inlif and --outlif beside it")
    }
  }

  func run() throws {
    let requests = try requests()
    let (json, replace) = (client.json, replace)
    let report = AddReport(requests)
    let target = client.target
    do throws(CommandFailure) {
      try ClientCall.run(target) { control in
        let line = ProgressLine()
        defer { line.clear() }
        while let batch = report.next(Control.batchSize) {
          try Task.checkCancellation()
          report.note(try await control.add(Array(batch), replacing: replace), of: batch)
          if line.isDue { line.show("\(grouped(UInt64(report.done))) of \(grouped(UInt64(requests.count)))") }
        }
      }
    } catch {
      // What was added before stays.
      if report.done > 0 { try StandardOutput.print(json ? report.json : report.text) }
      throw error
    }
    try StandardOutput.print(json ? report.json : report.text)
    if report.refusedCount > 0 {
      throw CommandFailure(
        status: 1, message: "\(report.refusedCount) of \(requests.count) sessions were refused")
    }
  }

  private func requests() throws -> [SessionRequest] {
    guard let file else { return [try session.request()] }
    // The daemon knows its largest timeout.
    var timeouts = Timeouts()
    timeouts.cacheMaximum = .max
    do throws(ConfigError) {
      return try SessionsFile.load(path: file, timeouts: timeouts).map(session.completed)
    } catch {
      throw CommandFailure(status: 2, message: error.description)
    }
  }
}
