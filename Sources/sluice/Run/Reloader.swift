import Config
import ControlAPI
import Dispatch
import Foundation
import Gateway

/// Reads the configuration again when SIGHUP comes or a client asks, and has the daemon change to it. What
/// comes of it is said on standard error; one at a time.
final class Reloader: Sendable {
  private let file: String
  /// `--workers`, which goes before the file's.
  private let workers: Int?
  private let daemon: Daemon
  private let turns = DispatchQueue(label: "sluice.reload")

  init(_ daemon: Daemon, file: String, workers: Int?) {
    self.daemon = daemon
    self.file = file
    self.workers = workers
  }

  /// SIGHUP is nothing from now on, until `listen`: by itself it ends a process.
  static func ignoreSignal() { signal(SIGHUP, SIG_IGN) }

  /// Reloads at each SIGHUP from when it returns.
  func listen() {
    let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: turns)
    source.setEventHandler {
      // The source lives as long as its handler, which holds it: to the process's end.
      defer { withExtendedLifetime(source) {} }
      _ = self.reloadNow()
    }
    let isListening = DispatchSemaphore(value: 0)
    source.setRegistrationHandler { isListening.signal() }
    source.resume()
    isListening.wait()
  }

  /// - Returns: what was changed, or why nothing was.
  func reload() async -> ReloadOutcome {
    await withCheckedContinuation { continuation in
      turns.async { continuation.resume(returning: self.reloadNow()) }
    }
  }

  private func reloadNow() -> ReloadOutcome {
    var outcome = ReloadOutcome()
    do throws(ReloadRefusal) {
      outcome.changes = try daemon.reload(read())
      if outcome.changes.isEmpty { standardError("sluice: reloaded: nothing differs") }
      for change in outcome.changes { standardError("sluice: reloaded: \(change)") }
    } catch {
      outcome.problems = error.problems
      standardError("sluice: reload refused, nothing was changed:")
      for problem in outcome.problems { standardError("sluice: \(problem)") }
    }
    return outcome
  }

  private func read() throws(ReloadRefusal) -> ConfigurationFile {
    do throws(ConfigError) {
      var read = try ConfigurationFile.load(path: file)
      if let workers { read.configuration.workers = workers }
      return read
    } catch {
      throw ReloadRefusal(error)
    }
  }
}
