import ArgumentParser
import ControlClient

/// What all commands that talk to a running daemon take.
struct ClientOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The daemon's control socket. (default: $SLUICE_SOCKET, else \(SocketProbe.defaultPath))",
      valueName: "path"))
  var socket: String?

  @Flag(help: "Print JSON: one object, or, of lists, an object a line.")
  var json = false

  func validate() throws {
    if socket == "" { throw ValidationError("--socket: an empty path was given: name a socket") }
  }

  var target: Target { Target(socket: socket ?? SocketProbe.named ?? SocketProbe.defaultPath) }
}

/// `--interval` and `--count`: the same again, until Ctrl-C.
struct RepeatOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Print it again and again, so many seconds apart, until Ctrl-C.", valueName: "seconds")
  )
  var interval: Double?

  @Option(help: ArgumentHelp("With --interval: end after so many times.", valueName: "n"))
  var count: Int?

  func validate() throws {
    if let interval, !(0.1...86_400).contains(interval) {
      throw ValidationError("--interval \(interval): accepted: 0.1...86400 seconds")
    }
    if let count, count < 1 { throw ValidationError("--count \(count): accepted: 1 or more") }
    if count != nil, interval == nil { throw ValidationError("--count: how far apart? add --interval") }
  }

  var repetition: Repetition { Repetition(interval: interval, count: interval == nil ? 1 : count) }
}
