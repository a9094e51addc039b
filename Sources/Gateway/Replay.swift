import Config
public import Dataplane
public import PacketIO

/// One replay of captures through the packet path, from opening the files to the summary.
public final class Replay: Sendable {
  /// How far it is; `stop()` on it ends the replay in good order.
  public let progress: ReplayProgress
  /// Captures whose link type we cannot read: their packets are all `other`.
  public let unknownLinks: [ReplaySources.UnknownLink]

  /// The files that are read, in the order of their ports.
  public var captureFiles: [String] { Self.paths(plan.files) }

  /// Standard input may be a file, whose path this is then.
  private static func paths(_ files: [String]) -> [String] {
    files.map { $0 == ReplayOptions.standardInput ? "/dev/stdin" : $0 }
  }

  /// Whether a file of this name may be written, or removed, in the directory of written captures.
  public static func isWrittenName(_ name: String) -> Bool { OutputDirectory.isOurs(name) }

  private let options: ReplayOptions
  private let plan: ReplayPlan
  private let sources: ReplaySources
  private let shaping: ReplayShaping
  private let output: OutputDirectory?
  private let setup: WorkerSetup

  /// Opens the captures and checks options against configuration. Nothing is written yet.
  ///
  /// - Throws: `ReplayError`, also for captures that cannot be read.
  public init(_ options: ReplayOptions) throws(ReplayError) {
    self.options = options
    let plan = try ReplayPlan(options)
    self.plan = plan
    let sources = try Self.opened { () throws(CaptureError) in try ReplaySources(files: plan.files) }
    self.sources = sources
    if options.rounds != 1, let file = sources.onceOnly {
      throw ReplayError(.usage, "--loop: \(file) can be read only once: put it into a file first")
    }
    let (ports, arrivals) = try plan.ports(sources.interfaceCounts)
    try Self.opened { () throws(CaptureError) in try sources.assign(arrivals) }
    shaping = try ReplayShaping(
      ReplayShaping.Wishes(
        rate: options.rate, rounds: options.rounds, filter: options.filter, split: options.split,
        prefix: "--"), ports, sources)
    progress = sources.makeProgress(rounds: options.rounds)
    unknownLinks = sources.unknownLinks
    output = try options.writeDirectory.map { path throws(ReplayError) in
      try OutputDirectory(
        path, inputs: Self.paths(plan.files) + options.protectedFiles, workers: plan.workers)
    }
    let configuration = options.configuration
    var generator = SystemRandomNumberGenerator()
    var setup = WorkerSetup(
      workers: plan.workers, capacity: configuration.capacity, ports: ports, waits: true,
      generator: &generator)
    setup.timeouts = configuration.timeouts
    setup.tcpControl = configuration.tcpControl
    setup.neighbors = configuration.neighbors
    setup.copies = configuration.copies
    setup.start = sources.firstTime() ?? .zero
    // A copy is at most as long as the longest packet; buffers are touched when they are used.
    setup.packetSize = Int(CaptureHeader.largestPacket)
    self.setup = setup
  }

  private static func opened<T>(_ open: () throws(CaptureError) -> T) throws(ReplayError) -> T {
    do throws(CaptureError) {
      return try open()
    } catch {
      throw ReplayError(.failed, error.description)
    }
  }

  /// Runs the replay.
  ///
  /// - Parameters:
  ///   - onStart: called once all sessions are accepted, before the first packet; what it throws ends the
  ///     replay.
  ///   - onSession: called with each session as it ends, then with the live ones; only with
  ///     `reportsSessions`.
  ///   - onTick: called some times a second, to show progress.
  /// - Returns: what happened; its `error` says when it ended early.
  /// - Throws: `ReplayError` when it cannot begin.
  public func run(
    onStart: () throws(ReplayError) -> Void = {}, onSession: (SessionSnapshot) -> Void = { _ in },
    onTick: () -> Void = {}
  ) throws(ReplayError) -> ReplaySummary {
    let requests = options.configuration.sessions + options.sessions
    guard requests.count <= options.configuration.capacity else {
      throw ReplayError(
        .usage,
        "\(requests.count) sessions do not fit the table: raise \"capacity\" "
          + "(\(options.configuration.capacity)) in the configuration")
    }
    let group = try startWorkers()
    do throws(ReplayError) {
      if let refused = AddOutcome.refusal(group.add(requests), requests) {
        throw ReplayError(.usage, refused)
      }
      // Nothing on disk is touched before the sessions are accepted.
      try output?.prepare()
      try onStart()
      try output?.clear()
    } catch {
      progress.stop()
      group.release()
      watch(group, { _ in }, {})
      group.join()
      throw error
    }
    let clock = ContinuousClock()
    let start = clock.now
    group.release()
    watch(group, onSession, onTick)
    group.join()
    let seconds = ((group.endTime ?? clock.now) - start) / .seconds(1)
    var summary = ReplaySummary(group, seconds: seconds, progress: progress)
    if let trouble = output?.finish(), summary.error == nil { summary.error = trouble }
    return summary
  }

  private func startWorkers() throws(ReplayError) -> WorkerGroup {
    let (sources, setup, progress, output, shaping) = (sources, setup, progress, output, shaping)
    var format = sources.format
    // Both ports of a split have the one capture's packets.
    if shaping.split != nil { format.linkNumbers[1] = format.linkNumbers[0] }
    let writtenFormat = format
    do throws(WorkerError) {
      return try WorkerGroup(
        setup, burstLimit: options.burstLimit, reportsSessions: options.reportsSessions
      ) { index in
        ReplayQueue(
          index == 0 ? sources : nil, worker: index, setup: setup, progress: progress,
          shaping: shaping,
          writer: output.map {
            CaptureWriterSet(
              directory: $0.directory(of: index), format: writtenFormat, keepsOrder: setup.workers > 1)
          })
      }
    } catch {
      throw ReplayError(.failed, error.text(capacity: options.configuration.capacity))
    }
  }

  /// Takes ended sessions and shows progress until all workers are done.
  private func watch(_ group: WorkerGroup, _ onSession: (SessionSnapshot) -> Void, _ onTick: () -> Void) {
    let clock = ContinuousClock()
    var lastTick = clock.now
    var idle = 0
    while true {
      let isFinished = group.isFinished
      let taken = take(group, onSession)
      if isFinished, taken == 0 { return }
      idle = taken == 0 ? idle + 1 : 0
      // Short runs end at once; long ones are looked at now and then.
      if idle > 100 { ControlPause.long() } else if idle > 0 { ControlPause.short() }
      if clock.now - lastTick > .milliseconds(200) {
        onTick()
        lastTick = clock.now
      }
    }
  }

  /// Takes some of the sessions that have ended.
  private func take(_ group: WorkerGroup, _ onSession: (SessionSnapshot) -> Void) -> Int {
    var taken = 0
    for events in group.events {
      for _ in 0..<4096 {
        guard let session = events.take() else { break }
        onSession(session)
        taken += 1
      }
    }
    return taken
  }
}
