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
  public var captureFiles: [String] { input.files }

  /// Whether a file of this name may be written, or removed, in the directory of written captures.
  public static func isWrittenName(_ name: String) -> Bool { OutputDirectory.isOurs(name) }

  private let options: ReplayOptions
  private let input: ReplayInput
  private let output: OutputDirectory?
  private let setup: WorkerSetup

  /// Opens the captures and checks options against configuration. Nothing is written yet.
  ///
  /// - Throws: `ReplayError`, also for captures that cannot be read.
  public init(_ options: ReplayOptions) throws(ReplayError) {
    self.options = options
    let input = try ReplayInput(options)
    self.input = input
    progress = input.progress
    unknownLinks = input.sources.unknownLinks
    output = try options.writeDirectory.map { path throws(ReplayError) in
      try OutputDirectory(path, inputs: input.files + options.protectedFiles, workers: input.workers)
    }
    let configuration = options.configuration
    var generator = SystemRandomNumberGenerator()
    var setup = WorkerSetup(
      workers: input.workers, capacity: configuration.capacity, ports: input.ports, waits: true,
      generator: &generator)
    setup.timeouts = configuration.timeouts
    setup.tcpControl = configuration.tcpControl
    setup.neighbors = configuration.neighbors
    setup.copies = configuration.copies
    setup.start = input.sources.firstTime() ?? .zero
    // A copy is at most as long as the longest packet; buffers are touched when they are used.
    setup.packetSize = Int(CaptureHeader.largestPacket)
    self.setup = setup
  }

  /// Runs the replay.
  ///
  /// - Parameters:
  ///   - onStart: called once all sessions are accepted, before the first packet; what it throws ends the
  ///     replay.
  ///   - onSession: called with each session as it ends, then with the live ones; only with
  ///     `reportsSessions`.
  ///   - onJourney: called with the journey of each packet that is traced, as it ends.
  ///   - onTick: called some times a second, to show progress.
  /// - Returns: what happened; its `error` says when it ended early.
  /// - Throws: `ReplayError` when it cannot begin.
  public func run(
    onStart: () throws(ReplayError) -> Void = {}, onSession: (SessionSnapshot) -> Void = { _ in },
    onJourney: (Journey) -> Void = { _ in }, onTick: () -> Void = {}
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
      watch(group) { take(group, { _ in }) }
      group.join()
      throw error
    }
    let trace = trace(group)
    let clock = ContinuousClock()
    let start = clock.now
    group.release()
    watch(group, onTick: onTick) { Self.take(trace, onJourney) + take(group, onSession) }
    group.join()
    let seconds = ((group.endTime ?? clock.now) - start) / .seconds(1)
    var summary = ReplaySummary(group, seconds: seconds, progress: progress)
    if let trouble = output?.finish(), summary.error == nil { summary.error = trouble }
    return summary
  }

  private func startWorkers() throws(ReplayError) -> WorkerGroup {
    let (sources, shaping) = (input.sources, input.shaping)
    let (setup, progress, output) = (setup, progress, output)
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

  /// Has the workers tell the journeys of the first packets; nil when nobody asks.
  private func trace(_ group: WorkerGroup) -> JourneyTrace? {
    let count = min(options.traced, JourneyTrace.mostPackets)
    guard count > 0 else { return nil }
    let trace = JourneyTrace(
      PacketTap.Selection(), count: count, workers: setup.workers,
      ports: PortNames(setup.ports, names: options.configuration.portNames), wallTime: \.nanoseconds)
    for (worker, part) in trace.traces.enumerated() { group.run(SessionBatch(.trace(part)), on: worker) }
    return trace
  }

  /// Takes some journeys that have ended.
  private static func take(_ trace: JourneyTrace?, _ onJourney: (Journey) -> Void) -> Int {
    // Workers wait for each other here: whatever a journey lacks comes.
    let journeys = trace?.take(atMost: 256, now: .zero) ?? []
    for journey in journeys { onJourney(journey) }
    return journeys.count
  }

  /// Takes what workers report and shows progress until all of them are done.
  ///
  /// - Parameter take: takes some of it, and answers how much there was.
  private func watch(_ group: WorkerGroup, onTick: () -> Void = {}, _ take: () -> Int) {
    let clock = ContinuousClock()
    var lastTick = clock.now
    var idle = 0
    while true {
      let isFinished = group.isFinished
      let taken = take()
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
