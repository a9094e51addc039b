package import Config
import Dataplane
import PacketIO

extension DaemonRuntime {
  /// Changes to another configuration, all of it or nothing: what can fail is done first, then every worker
  /// changes between two bursts, and last what is gone is closed, and its interface as it was found.
  ///
  /// - Returns: what was changed, a line each.
  package func reload(_ file: ConfigurationFile) throws(ReloadRefusal) -> [String] {
    try changing.withLock { _ throws(ReloadRefusal) in try change(to: file) }
  }

  private func change(to file: ConfigurationFile) throws(ReloadRefusal) -> [String] {
    let running = ports.withLock { $0 }
    let wanted = file.configuration
    let plan: ReloadPlan
    do throws(ReloadPlan.Refusal) {
      plan = try ReloadPlan(
        from: running.configuration, at: running.places, lastPlace: running.lastPlace, started: started,
        to: wanted)
    } catch {
      throw ReloadRefusal(error, in: file)
    }
    guard !plan.changes.isEmpty else { return [] }
    do throws(DaemonError) {
      return plan.changes + (try carryOut(plan, running, wanted)).map { "warning: \($0)" }
    } catch {
      throw ReloadRefusal(error, in: file)
    }
  }

  /// Carries out a plan.
  ///
  /// - Parameter isAgain: whether interfaces are opened that were open before, and then made again.
  /// - Returns: what should be known of what was opened.
  private func carryOut(
    _ plan: ReloadPlan, _ running: RunningPorts, _ wanted: Configuration, isAgain: Bool = false
  ) throws(DaemonError) -> [String] {
    guard isRunning else {
      throw DaemonError(status: 1, message: "the daemon is not running, or is stopping")
    }
    let daemonPlan = try DaemonPlan(
      wanted, places: plan.places, opened: plan.opened, macs: running.macs)
    let opened = try OpenedPorts(daemonPlan, group.setup, portCounters, steering, areAgain: isAgain)
    var next = next(running, wanted, plan, opened)
    next.macs = daemonPlan.interfaceMACs
    let changes = workerChanges(next, daemonPlan, opened, plan)
    let ofWorkers = changes.map(\.worker)
    guard prepare(ofWorkers) else {
      throw DaemonError(status: 1, message: "the workers have no room for more policies, or are stopping")
    }
    do throws(DaemonError) {
      try begin(opened, running.feedCount)
    } catch {
      _ = group.run(ofWorkers.map { .abandon($0) })
      throw error
    }
    _ = group.run(ofWorkers.map { .commit($0) })
    ports.withLock { $0 = next }
    finish(running, next, opened, changes)
    return opened.live.flatMap(\.warnings)
  }

  /// Opens ports anew whose interfaces were deleted and made again, if their workers do not move by
  /// themselves. To be called now and then.
  package func reopenOrphans() {
    guard livePorts.contains(where: \.isOrphaned), isRunning else { return }
    changing.withLock { _ in
      let running = ports.withLock { $0 }
      for (index, place) in running.places.enumerated() {
        guard let port = running.live[place], port.isOrphaned else { continue }
        do throws(DaemonError) {
          let plan = ReloadPlan(opening: index, at: running.places)
          _ = try carryOut(plan, running, running.configuration, isAgain: true)
        } catch {
          port.note(refusal: error.message)
          continue
        }
        // The others at the next call, from where things are then.
        return
      }
    }
  }

  /// What is open after the change.
  private func next(
    _ running: RunningPorts, _ wanted: Configuration, _ plan: ReloadPlan, _ opened: OpenedPorts
  ) -> RunningPorts {
    var next = running
    next.configuration = wanted
    next.places = plan.places
    for place in plan.ended { next.remove(place: place) }
    for place in plan.taken { next.before[place] = PortTotals(portCounters, group.setup.counters, at: place) }
    next.add(opened)
    next.feedCount += opened.feeds.count
    next.lastPlace = plan.taken.last ?? running.lastPlace
    return next
  }

  /// Feeds play at once: what they pass on waits for worker 0.
  private func begin(_ opened: OpenedPorts, _ number: Int) throws(DaemonError) {
    do throws(DaemonError) {
      try start(opened.feeds, from: number)
    } catch {
      end(opened)
      throw error
    }
  }

  /// Ends what no worker has seen.
  private func end(_ opened: OpenedPorts) {
    for feed in opened.feeds {
      feed.stop()
      feed.abandon()
      feed.join()
    }
  }

  // MARK: Workers

  private func workerChanges(
    _ next: RunningPorts, _ plan: DaemonPlan, _ opened: OpenedPorts, _ reload: ReloadPlan
  ) -> [(worker: WorkerChange, ports: PortChange)] {
    let positions = PortPositions(plan.ports, at: plan.places)
    let configuration = next.configuration
    return next.queues.enumerated().map { worker, queues in
      let change = PortChange(
        live: queues, positions: positions, feeds: worker == 0 ? opened.feeds : [], memory: opened.memory,
        ended: reload.ended)
      let workerChange = WorkerChange(
        ports: zip(plan.places, plan.ports).map { (place: $0, port: $1) }, timeouts: configuration.timeouts,
        tcpControl: configuration.tcpControl, neighbors: configuration.neighbors,
        routes: configuration.routes, copies: configuration.copies, secret: group.setup.secret,
        queue: change)
      return (workerChange, change)
    }
  }

  /// Makes all workers ready, or none.
  private func prepare(_ changes: [WorkerChange]) -> Bool {
    guard let prepared = group.run(changes.map { .prepare($0) }) else { return false }
    guard prepared.allSatisfy(\.isGranted) else {
      // Where nothing was prepared there is nothing to let go of.
      _ = group.run(changes.map { .abandon($0) })
      return false
    }
    return true
  }

  // MARK: What is gone

  private func finish(
    _ running: RunningPorts, _ next: RunningPorts, _ opened: OpenedPorts,
    _ changes: [(worker: WorkerChange, ports: PortChange)]
  ) {
    // No worker is handed a packet of a port that it does not know: all know them now.
    for (_, change) in changes { change.noteOpened() }
    for (place, port) in running.live where next.live[place].map({ !$0.isSame(as: port) }) ?? true {
      port.stop()
    }
    let playing = Set(next.playing.map(ObjectIdentifier.init))
    let over = running.playing.filter { !playing.contains(ObjectIdentifier($0)) }
    for feed in over { feed.stop() }
    for port in opened.live { port.start() }
    for (_, change) in changes { change.noteStopped() }
    for doorbell in group.setup.mesh.doorbells { doorbell.ring() }
    while !changes.allSatisfy(\.ports.isLeft), !group.isFinished { ControlPause.short() }
    for feed in over { feed.join() }
    for (worker, queues) in running.queues.enumerated() {
      for queue in queues where !next.queues[worker].contains(where: { $0.isSame(as: queue) }) {
        queue.close()
      }
    }
    // A stop that came meanwhile did not know the new ones.
    if stopSignal.isSet { for feed in opened.feeds { feed.stop() } }
  }
}

extension WorkerGroup {
  /// Has every worker carry out an operation of its own, and waits for them.
  ///
  /// - Returns: the answers; nil when the workers end meanwhile.
  fileprivate func run(_ operations: [SessionBatch.Operation]) -> [SessionBatch]? {
    let batches = operations.map { SessionBatch($0) }
    for (worker, batch) in batches.enumerated() {
      while !submit(batch, to: worker) {
        if isFinished { return nil }
        ControlPause.short()
      }
    }
    while !batches.allSatisfy(\.isDone) {
      if isFinished { return nil }
      ControlPause.short()
    }
    return batches
  }
}
