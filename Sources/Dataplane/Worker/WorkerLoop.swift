/// Runs a worker on a queue until the queue and all that is handed over to it have ended.
///
/// One iteration: commands, then a burst from each worker that hands over, then a burst of its own.
/// Generic over the queue, which is crossed once per burst.
public struct WorkerLoop: Sendable {
  let mesh: HandoffMesh
  let commands: CommandRing
  let workers: Int
  let burstLimit: Int
  /// Nanoseconds without packets after which the worker sleeps.
  let patience: UInt64

  public init(_ setup: WorkerSetup, commands: CommandRing, burstLimit: Int = 64) {
    mesh = setup.mesh
    workers = setup.workers
    patience = setup.polling.patience
    self.commands = commands
    self.burstLimit = burstLimit
  }

  /// Returns when everything has ended, and the others have dealt with what was handed to them: they read
  /// it where this worker's queue keeps it.
  public func run<Queue: PacketQueue & ~Copyable>(_ worker: inout Worker, _ queue: inout Queue) {
    var burst = PacketBurst(limit: burstLimit)
    var isOpen = true
    var isClosed = false
    var silence = Silence()
    var wakes = PollSet()
    var share = CommandShare()
    while true {
      // Asked first: what was submitted before the release is then applied before the first packet.
      let isHeld = commands.isHolding
      if commands.hasBatch {
        apply(&worker, queue.presentTime, &share, isHeld: isHeld)
        if !worker.queueChanges.isEmpty { worker.passChanges(to: &queue) }
      }
      if isHeld {
        ThreadPause.wait(iteration: .max)
        continue
      }
      var isBusy = takeOver(&worker, &queue, &burst, &share)
      if isOpen {
        burst.removeAll()
        switch queue.receive(into: &burst) {
        case .packets:
          if burst.count == burst.limit { share.isBusy = true }
          worker.take(&burst, through: &queue)
          isBusy = true
        case .idle: share.isBusy = false
        case .ended:
          isOpen = false
          share.isBusy = false
          mesh.noteQueueEnd()
        }
      } else if !isClosed {
        // Fragments are passed on from the worker that keeps their datagram.
        if worker.placement == .receiver || mesh.isQuiet {
          mesh.close(from: worker.index, at: worker.time)
          isClosed = true
        }
      } else if mesh.isFinished(for: worker.index), mesh.isDrained(from: worker.index) {
        break
      }
      if isBusy { silence.polls = 0 } else { rest(&worker, &queue, &burst, &silence, &wakes) }
    }
    worker.giveUpFragments(&burst, through: &queue)
    worker.finish(at: mesh.lastTime)
    queue.finish()
  }

  /// Gives commands their turn, if it is theirs.
  private func apply(
    _ worker: inout Worker, _ now: PacketTime?, _ share: inout CommandShare, isHeld: Bool
  ) {
    guard isHeld || share.allows(now) else { return }
    if let now { worker.advance(to: now) }
    let pace: Worker.CommandPace = isHeld ? .all : share.isBusy ? .besidePackets : .ordinary
    share.note(worker.applyCommands(of: commands, pace), at: now)
  }

  /// How long nothing has come.
  private struct Silence {
    /// Polls in a row that found nothing.
    var polls = 0
    /// When the first of them was.
    var start = PacketTime.zero
    /// Sleeps since then.
    var sleeps: UInt64 = 0
  }

  /// Passes time when there is nothing to do. Where the queue has a clock, sessions and fragments whose time
  /// is up end meanwhile. A worker that may sleep does so once its patience is over, the longer the longer
  /// nothing comes; a packet, a command or a packet handed over ends it.
  private func rest<Queue: PacketQueue & ~Copyable>(
    _ worker: inout Worker, _ queue: inout Queue, _ burst: inout PacketBurst, _ silence: inout Silence,
    _ wakes: inout PollSet
  ) {
    silence.polls &+= 1
    guard let now = queue.presentTime else { return ThreadPause.wait(iteration: silence.polls) }
    worker.passTime(to: now, &burst, through: &queue)
    if silence.polls == 1 {
      silence.start = now
      silence.sleeps = 0
    }
    guard now.nanoseconds &- silence.start.nanoseconds >= patience else { return ThreadPause.spin() }
    let growing = Self.shortestSleep << min(silence.sleeps, 16)
    silence.sleeps &+= 1
    wakes.removeAll()
    queue.watch(&wakes)
    commands.doorbell.sleep(atMost: min(growing, Self.longestSleep, queue.longestSleep), &wakes) {
      commands.hasBatch || mesh.hasPackets(for: worker.index)
    }
  }

  /// Nanoseconds. So many a second cost less than two hundredths of a core, and what neither rings
  /// nor becomes readable waits no longer.
  private static let longestSleep: UInt64 = 4_000_000
  private static let shortestSleep: UInt64 = 25_000

  private func takeOver<Queue: PacketQueue & ~Copyable>(
    _ worker: inout Worker, _ queue: inout Queue, _ burst: inout PacketBurst, _ share: inout CommandShare
  ) -> Bool {
    var isBusy = false
    for sender in 0..<workers where sender != worker.index {
      let count = worker.takeOver(from: sender, into: &burst)
      guard count > 0 else { continue }
      if count == burst.limit { share.isBusy = true }
      worker.take(&burst, through: &queue)
      worker.releaseTakenOver(from: sender, count)
      isBusy = true
    }
    return isBusy
  }
}

extension Worker {
  /// Lets time pass without packets: what is due by `now` ends.
  package mutating func passTime<Queue: PacketQueue & ~Copyable>(
    to now: PacketTime, _ burst: inout PacketBurst, through queue: inout Queue
  ) {
    if fragments.count > 0, fragments.deadline <= now {
      burst.removeAll()
      fragments.expire(HeldFragments.Trigger(time: now, sequence: .max - 1))
      cut(&burst, at: 0)
      take(&burst, through: &queue)
    }
    advance(to: now)
    if router.isActive, router.nextLook <= time {
      burst.removeAll()
      take(&burst, through: &queue)
    }
    publishSessions()
  }

  /// Ends the run at `end`: what is due by then expires, what lives on is reported as live.
  mutating func finish(at end: PacketTime) {
    time = max(time, end)
    while !sessions.expire(at: time, isExact: true) {
      reportEnded()
      if sessions.ended.isNearlyFull { break }
    }
    reportEnded()
    if let events {
      _ = sessions.forEachRecord(from: 0, of: .all) { record in
        let session = sessions.snapshot(record)
        let kind: SessionEvent.Kind = session.state == .closed ? .forgotten : .live
        return report(SessionEvent(kind, record: record, session), to: events)
      }
      events.ring.close()
    }
    publishSessions()
  }
}
