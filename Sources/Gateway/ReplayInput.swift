import Dataplane
import PacketIO

/// What a replay reads, whatever becomes of it: the captures, opened and on their ports, and what is done to
/// their packets on the way in.
struct ReplayInput: Sendable {
  /// The files that are read, in the order of their ports; standard input may be a file, whose path this is
  /// then.
  var files: [String] { names.map { $0 == ReplayOptions.standardInput ? "/dev/stdin" : $0 } }

  let workers: Int
  let sources: ReplaySources
  let ports: [WorkerSetup.Port]
  let shaping: ReplayShaping
  let progress: ReplayProgress
  private let names: [String]

  /// Opens the captures and checks options against configuration.
  ///
  /// - Throws: `.usage` when options contradict each other or the captures, `.failed` for captures that
  ///   cannot be read.
  init(_ options: ReplayOptions) throws(ReplayError) {
    let plan = try ReplayPlan(options)
    workers = plan.workers
    names = plan.files
    let sources = try Self.opened { () throws(CaptureError) in try ReplaySources(files: plan.files) }
    self.sources = sources
    if options.rounds != 1, let file = sources.onceOnly {
      throw ReplayError(.usage, "--loop: \(file) can be read only once: put it into a file first")
    }
    let (ports, arrivals) = try plan.ports(sources.interfaceCounts)
    self.ports = ports
    try Self.opened { () throws(CaptureError) in try sources.assign(arrivals) }
    shaping = try ReplayShaping(
      ReplayShaping.Wishes(
        rate: options.rate, multiplier: options.multiplier, rounds: options.rounds, filter: options.filter,
        split: options.split, prefix: "--"), ports, sources)
    progress = sources.makeProgress(rounds: options.rounds)
  }

  private static func opened<T>(_ open: () throws(CaptureError) -> T) throws(ReplayError) -> T {
    do throws(CaptureError) {
      return try open()
    } catch {
      throw ReplayError(.failed, error.description)
    }
  }
}
