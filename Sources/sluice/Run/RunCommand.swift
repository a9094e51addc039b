import ArgumentParser
import Config
import ControlAPI
import Gateway

/// `sluice run`: the daemon.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run the dataplane and serve its control API, until SIGTERM or Ctrl-C.",
    discussion: """
      Stays in the foreground. When it is ready it prints one line to standard error, and tells systemd \
      (Type=notify). SIGTERM and SIGINT end it in good order within a second, with status 0; a second signal \
      ends it at once. SIGHUP has it read the configuration again, as sluice reload does. The socket is \
      --socket, else api.socket of the configuration, else $SLUICE_SOCKET, \
      else \(SocketProbe.defaultPath).

      Workers are pinned to CPUs, and sleep when no packets come: the configuration's cores, polling, \
      idle_budget_us, scheduler_policy, scheduler_priority and mlockall say otherwise; sluice show workers \
      says where they are.

      Exit status: 0 stopped by a signal, 1 something failed, 2 bad usage or configuration.

      Examples:
        sluice run --config configs/demo.yaml --socket /tmp/sluice.sock &
        sluice show status --socket /tmp/sluice.sock
      """)

  @Option(help: ArgumentHelp("Ports, timeouts, neighbours, sessions, the API (YAML).", valueName: "file"))
  var config: String

  @Option(help: ArgumentHelp("The control socket that is made.", valueName: "path"))
  var socket: String?

  @Option(help: "Worker threads, 1...64; as many as cores lists. (default: those of the configuration)")
  var workers: Int?

  func validate() throws {
    if config.isEmpty { throw ValidationError("--config: an empty path was given: name a file") }
    if socket == "" { throw ValidationError("--socket: an empty path was given: name a socket") }
    if let workers, !(1...64).contains(workers) {
      throw ValidationError("--workers \(workers): accepted: 1...64")
    }
  }

  func run() throws {
    Reloader.ignoreSignal()
    var configuration = try ConfigFiles.configuration(config)
    if let workers { configuration.workers = workers }
    let path = socket ?? configuration.api.socket ?? SocketProbe.named ?? SocketProbe.defaultPath
    do {
      // The socket before the packets: a daemon that may not serve has not touched any.
      let listeners = try ControlListeners(socket: path, configuration.api)
      let daemon = try Daemon(configuration) { () throws(DaemonError) in
        try Capabilities.limit(to: Capabilities.kept(for: configuration), for: configuration.threads)
      }
      let reloader = Reloader(daemon, file: config, workers: workers)
      let services = ControlServices(daemon, version: BuildInfo.release, commit: BuildInfo.commit) {
        await reloader.reload()
      }
      let server = ControlServer(
        listeners, configuration.api, log: { standardError("sluice: \($0)") },
        services: services.services(for:))
      try daemon.start()
      reloader.listen()
      try RunningDaemon(daemon, server).serve()
    } catch let error as DaemonError {
      throw CommandFailure(status: error.status, message: error.message)
    } catch let error as ControlServerError {
      throw CommandFailure(status: error.status, message: error.message)
    }
  }
}
