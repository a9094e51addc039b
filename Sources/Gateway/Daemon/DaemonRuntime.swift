package import Config
import Dataplane
package import PacketIO
import Synchronization

/// Workers and ports of a daemon, without sessions' control side: opened, started, changed, stopped.
package final class DaemonRuntime: Sendable {
  /// That of the start.
  let started: Configuration
  package let clock: MonotonicClock
  /// Where sessions lie in files; nil where they do not outlive the process.
  let warmState: WarmState?
  /// How long it took until all sessions of an earlier process were back, in nanoseconds.
  let restoreNanoseconds: UInt64
  package let group: WorkerGroup
  /// Where workers run.
  package let placement: Placement
  let ports: Guarded<RunningPorts>
  /// One change at a time.
  let changing = Guarded(())
  let steering: FanoutSteering?
  /// By worker.
  let portCounters: [PortCounters]
  private let provision = Guarded<TableProvision?>(nil)
  private let leftOut = Atomic(0)
  let stopSignal = StopSignal()
  private let phase = Guarded(Phase.ready)

  private enum Phase { case ready, running, stopping }

  /// Opens the ports and starts threads that wait; `addConfigured` comes next.
  ///
  /// - Parameters:
  ///   - reportsSessions: whether somebody takes `group.events`.
  ///   - beforeThreads: is called when all is open and no thread was started.
  package init(
    _ configuration: Configuration, reportsSessions: Bool, beforeThreads: () throws(DaemonError) -> Void = {}
  ) throws(DaemonError) {
    started = configuration
    let plan = try DaemonPlan(configuration)
    placement = try Self.placement(configuration, plan)
    if configuration.threads.locksMemory { try ProcessMemory.lock() }
    let beginning = MonotonicClock().now
    let cold = Self.setup(configuration, plan)
    warmState = try configuration.warmRestart.map { (settings) throws(DaemonError) in
      try WarmState(settings.directory, cold)
    }
    clock = warmState?.clock ?? MonotonicClock()
    let setup = warmState?.prepared(cold, at: clock.now) ?? cold.starting(at: clock.now)
    steering = plan.steering(setup)
    // With places for ports that come later.
    let counters = (0..<setup.workers).map { _ in PortCounters(ports: WorkerSetup.maxPorts) }
    portCounters = counters
    let positions = PortPositions(setup.ports)
    let opened = try OpenedPorts(plan, setup, counters, steering)
    ports = Guarded(RunningPorts(configuration, plan, opened))
    try beforeThreads()
    let (clock, stopSignal) = (clock, stopSignal)
    do throws(WorkerError) {
      group = try WorkerGroup(
        setup, on: placement.places(configuration.threads), burstLimit: Self.burstLimit,
        reportsSessions: reportsSessions
      ) { worker in
        PortQueue(
          worker: worker, setup: setup, clock: clock, feeds: worker == 0 ? opened.feeds : [],
          memory: opened.memory, live: opened.queues[worker], counters: counters[worker],
          positions: positions, stop: stopSignal)
      }
    } catch {
      // What is mapped after mlockall() counts against RLIMIT_MEMLOCK.
      let isBounded = error == .outOfMemory && configuration.threads.locksMemory
      let more = isBounded ? ", or raise RLIMIT_MEMLOCK, which mlockall must fit into" : ""
      throw DaemonError(status: 1, message: error.text(capacity: configuration.capacity) + more)
    }
    restoreNanoseconds = clock.now.nanoseconds - beginning.nanoseconds
  }

  /// Adds the sessions of the configuration; from then on they and those that came back are what counts.
  /// Once, before `start`, when whoever takes `group.events` does so: ends of what was over meanwhile are
  /// reported.
  ///
  /// One that came back from an earlier process stays what it is, with the configuration's action and
  /// timeout; where another one has its id or tuple, or the table is full of those that came back, it stays
  /// out.
  package func addConfigured() throws(DaemonError) {
    let isWarm = group.restored.live > 0
    var outcomes = group.add(started.sessions, replacing: isWarm)
    if isWarm {
      var left = 0
      for index in outcomes.indices {
        switch outcomes[index] {
        case .alreadyExists, .tableFull: left += 1
        case .replaced, .tookOver: break
        case .added, .tooManyPolicies, .unavailable: continue
        }
        outcomes[index] = .added
      }
      leftOut.store(left, ordering: .relaxed)
    }
    if let refused = AddOutcome.refusal(outcomes, started.sessions) {
      throw DaemonError(status: 2, message: refused)
    }
    try warmState?.commit()
  }

  /// Sessions of the configuration that `addConfigured` left out.
  var configuredLeft: Int { leftOut.load(ordering: .relaxed) }

  deinit {
    signalStop()
    join()
  }

  /// What it runs by now.
  package var configuration: Configuration { ports.withLock { $0.configuration } }
  var livePorts: [LivePort] { ports.withLock { $0.live.sorted { $0.key < $1.key }.map(\.value) } }

  private static let burstLimit = 64

  private static func placement(
    _ configuration: Configuration, _ plan: DaemonPlan
  ) throws(DaemonError) -> Placement {
    let allowed = ProcessCPUs.allowed
    do throws(PlacementRefusal) {
      return try Placement(
        configuration.threads.cores, workers: configuration.workers,
        topology: Topology(allowed: allowed, interfaces: plan.interfaces), allowed: allowed,
        interfaces: plan.interfaces)
    } catch {
      throw DaemonError(status: 2, message: error.message)
    }
  }

  private static func setup(
    _ configuration: Configuration, _ plan: DaemonPlan
  ) -> WorkerSetup {
    var generator = SystemRandomNumberGenerator()
    // Captures and memory can wait: a full ring holds them up, and nothing is lost. Only worker 0 hands over,
    // so workers never wait for each other. With live ports all hand over, and a full ring is a drop.
    var setup = WorkerSetup(
      workers: configuration.workers, capacity: configuration.capacity, ports: plan.ports,
      waits: !plan.hasLivePorts, generator: &generator)
    setup.timeouts = configuration.timeouts
    setup.tcpControl = configuration.tcpControl
    setup.neighbors = configuration.neighbors
    setup.copies = configuration.copies
    setup.routes = configuration.routes
    setup.mayRoute = plan.hasLivePorts
    setup.polling = configuration.threads.polling
    // A copy is at most as long as the longest packet; buffers are touched when they are used.
    if !plan.feeds.isEmpty { setup.packetSize = Int(CaptureHeader.largestPacket) }
    return setup
  }

  /// Lets packets come. Once.
  package func start() throws(DaemonError) {
    let isFirst = phase.withLock { phase in
      guard phase == .ready else { return false }
      phase = .running
      return true
    }
    guard isFirst else { return }
    if started.threads.prefaults, ProcessMemory.hasRoom(for: group.setup.memory.tables) {
      provision.withLock { if isRunning { $0 = TableProvision(group) } }
    }
    group.release()
    for port in livePorts { port.start() }
    try start(ports.withLock { $0.playing.sorted { $0.ports[0] < $1.ports[0] } }, from: 0)
  }

  /// Has feeds play; worker 0 takes what they pass on when it knows them.
  func start(_ feeds: [CaptureFeed], from number: Int) throws(DaemonError) {
    for (index, feed) in feeds.enumerated() {
      do throws(WorkerError) {
        try feed.start(index: number + index, waking: group.setup.mesh.doorbells[0])
      } catch {
        throw DaemonError(status: 1, message: error.text(capacity: started.capacity))
      }
    }
  }

  /// Ends the receiving: workers finish what they have and end by themselves.
  package func signalStop() {
    phase.withLock { $0 = .stopping }
    // Before a worker can end, and its table with it.
    provision.withLock { $0?.stop() }
    stopSignal.set()
    for feed in ports.withLock({ $0.playing }) { feed.stop() }
    group.release()
    for doorbell in group.setup.mesh.doorbells { doorbell.ring() }
  }

  /// Waits for all threads, after `signalStop`. What workers still report nobody wants any more.
  package func join() {
    while !group.isFinished {
      for events in group.events { while events.take() != nil {} }
      ControlPause.short()
    }
    group.join()
    // A change that was under way gives up when the workers have ended.
    changing.withLock { _ in }
    for feed in ports.withLock({ $0.playing }) { feed.join() }
  }

  /// Whether packets may come.
  var isRunning: Bool { phase.withLock { $0 == .running } }

  /// A worker that ended though nobody asked it to.
  package var failure: String? {
    isRunning && group.isFinished ? "the workers have ended by themselves" : nil
  }
}
