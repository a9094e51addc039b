import ArgumentParser
import ControlClient
import Foundation

/// `sluice top`.
struct TopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Watch a running daemon: workers, ports, drops and the busiest sessions, until Ctrl-C.",
    discussion: """
      Fills the terminal and renews it; elsewhere readings follow one another. Rates are those of the last \
      interval. Of more than \(TopSessions.most) sessions the busiest of those listed first are shown.

      Examples:
        sluice top
        sluice top --interval 5 --by bytes
        sluice top --json --count 2 | tail -1 | jq '.sessions[0]'
      """)

  @OptionGroup var client: ClientOptions

  @Option(help: ArgumentHelp("Between two readings, 0.1 to 86400.", valueName: "seconds"))
  var interval = 1.0

  @Option(help: ArgumentHelp("End after so many readings.", valueName: "n"))
  var count: Int?

  @Option(help: ArgumentHelp("The busiest sessions shown, 0 to 1000.", valueName: "n"))
  var sessions = 10

  @Option(help: "What makes a session busy: packets or bytes a second.")
  var by = TopSessions.Order.packets

  func validate() throws {
    if !(0.1...86_400).contains(interval) {
      throw ValidationError("--interval \(interval): accepted: 0.1...86400 seconds")
    }
    if let count, count < 1 { throw ValidationError("--count \(count): accepted: 1 or more") }
    if !(0...1000).contains(sessions) {
      throw ValidationError("--sessions \(sessions): accepted: 0...1000")
    }
  }

  func run() throws {
    let (interval, most, json) = (interval, count ?? .max, client.json)
    let (shown, order) = (sessions, by)
    let screen = TopScreen(isUsed: !json && isatty(STDOUT_FILENO) == 1)
    defer { screen.leave() }
    try ClientCall.run(client.target) { control in
      var earlier = try await TopReading(control, shown > 0)
      // Rates need two readings.
      try await Task.sleep(for: .seconds(min(interval, Self.first)))
      for number in 1...most {
        let now = try await TopReading(control, shown > 0)
        let found = TopSessions(now, since: earlier, order)
        let text = json ? now.json(since: earlier, found, shown) : now.text(since: earlier, found, shown)
        try screen.show(text)
        earlier = now
        if number < most { try await Task.sleep(for: .seconds(interval)) }
      }
    }
  }

  /// Seconds before the first rates.
  private static let first = 0.5
}
