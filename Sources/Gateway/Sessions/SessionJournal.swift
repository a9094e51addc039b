import Dataplane

/// What the workers report of sessions: records of closed ones, and notices for those that look on. Filled by
/// the control thread.
final class SessionJournal: Sendable {
  private struct Watcher {
    let continuation: AsyncStream<SessionService.Notice>.Continuation
    var lost: UInt64 = 0
  }

  private struct State {
    var closed: ClosedSessions
    /// Tasks that wait for a record to be leased.
    var waiting: [UInt64: SleepingTask] = [:]
    var watchers: [UInt64: Watcher] = [:]
    var lastNumber: UInt64 = 0
    var isStopped = false
  }

  /// Notices that wait for one who looks on.
  private static let noticeLimit = 4096
  /// Events taken with the lock held.
  private static let stride = 512

  private let group: WorkerGroup
  private let reportsDeleted: Bool
  private let state: Guarded<State>

  init(_ group: WorkerGroup, retention: Int, reportsDeleted: Bool) {
    self.group = group
    self.reportsDeleted = reportsDeleted
    state = Guarded(State(closed: ClosedSessions(limit: retention)))
    for events in group.events { events.interest = .closings }
  }

  // MARK: The control thread's side

  /// Takes what the workers have reported; how much that was.
  func takeEvents() -> Int {
    var count = 0
    for (worker, events) in group.events.enumerated() {
      var isMore = true
      // Of each worker: one that reports without end keeps none of the others waiting.
      let enough = count + Self.stride * 16
      while isMore, count < enough {
        guard let first = events.takeEvent() else { break }
        let ready = state.withLock { state in
          note(first, of: worker, &state)
          count += 1
          for _ in 1..<Self.stride {
            guard let event = events.takeEvent() else {
              isMore = false
              break
            }
            note(event, of: worker, &state)
            count += 1
          }
          return Self.takeReady(&state)
        }
        for waiter in ready { waiter.wake() }
      }
    }
    return count
  }

  private func note(_ event: SessionEvent, of worker: Int, _ state: inout State) {
    let place = ClosedSessions.Place(worker: worker, record: event.record)
    switch event.kind {
    case .opened: notify(.added, event.session, &state)
    case .changed: notify(.changed, event.session, &state)
    case .closed:
      state.closed.append(event.session, lingeringAt: place)
      notify(.closed, event.session, &state)
    case .forgotten:
      let wasKnown = state.closed.finish(event.session, lingeringAt: place)
      if !wasKnown { notify(.closed, event.session, &state) }
    case .ended:
      let isDeleted = event.session.closeCode == .notClosed
      if !isDeleted || reportsDeleted { state.closed.append(event.session) }
      notify(isDeleted ? .deleted : .closed, event.session, &state)
    case .live: break
    }
  }

  private func notify(
    _ kind: SessionService.Notice.Kind, _ session: SessionSnapshot, _ state: inout State
  ) {
    for (number, watcher) in state.watchers {
      let notice = SessionService.Notice(kind: kind, session: session, lost: watcher.lost)
      switch watcher.continuation.yield(notice) {
      case .enqueued: state.watchers[number]?.lost = 0
      case .dropped: state.watchers[number]?.lost += 1
      case .terminated: break
      @unknown default: break
      }
    }
  }

  /// The tasks that wait, when there is a record for them.
  private static func takeReady(_ state: inout State) -> [SleepingTask] {
    guard state.closed.readyCount > 0, !state.waiting.isEmpty else { return [] }
    let waiting = Array(state.waiting.values)
    state.waiting = [:]
    return waiting
  }

  // MARK: The service's side

  func newest(of id: SessionID) -> (snapshot: SessionSnapshot, place: ClosedSessions.Place?)? {
    state.withLock { $0.closed.newest(of: id) }
  }

  func acknowledge(_ id: SessionID) -> SessionSnapshot? {
    state.withLock { $0.closed.acknowledge(id) }
  }

  func list(from cursor: UInt64, limit: Int) -> ClosedSessions.Page {
    state.withLock { $0.closed.list(from: cursor, limit: limit) }
  }

  func setRetention(_ limit: Int) { state.withLock { $0.closed.setLimit(limit) } }

  func lease(limit: Int) -> SessionService.ClosedLease {
    let (records, positions) = state.withLock { $0.closed.lease(limit: limit) }
    return SessionService.ClosedLease(records: records, positions: positions)
  }

  func settle(_ lease: SessionService.ClosedLease, sent: Int) {
    let ready = state.withLock { state in
      state.closed.settle(lease.positions, sent: sent)
      return Self.takeReady(&state)
    }
    for waiter in ready { waiter.wake() }
  }

  /// Lost here, and on the way here.
  var status: (retained: Int, limit: Int, lost: UInt64) {
    let onTheWay = group.total(.reportsLost)
    return state.withLock { ($0.closed.count, $0.closed.limit, $0.closed.lost + onTheWay) }
  }

  func waitForClosed() async {
    let number = nextNumber()
    await withTaskCancellationHandler {
      await SleepingTask.sleep { task in
        state.withLock { state in
          // A task that was cancelled before this has had its handler called in vain.
          guard !state.isStopped, state.closed.readyCount == 0, !Task.isCancelled else { return false }
          state.waiting[number] = task
          return true
        }
      }
    } onCancel: {
      let waiter = state.withLock { $0.waiting.removeValue(forKey: number) }
      waiter?.wake()
    }
  }

  private func nextNumber() -> UInt64 {
    state.withLock { state in
      state.lastNumber += 1
      return state.lastNumber
    }
  }

  /// Nil when there are as many watchers as may be.
  func notices() -> AsyncStream<SessionService.Notice>? {
    let number = nextNumber()
    let (stream, continuation) = AsyncStream<SessionService.Notice>.makeStream(
      bufferingPolicy: .bufferingOldest(Self.noticeLimit))
    let isFull = state.withLock { state in
      if state.isStopped {
        continuation.finish()
        return false
      }
      guard state.watchers.count < SessionService.mostWatchers else { return true }
      state.watchers[number] = Watcher(continuation: continuation)
      setInterest(state)
      return false
    }
    if isFull { return nil }
    continuation.onTermination = { [weak self] _ in self?.forget(number) }
    return stream
  }

  private func forget(_ watcher: UInt64) {
    state.withLock { state in
      state.watchers[watcher] = nil
      setInterest(state)
    }
  }

  /// Workers report what opens and changes only while somebody looks on.
  private func setInterest(_ state: State) {
    let interest: SessionInterest = state.watchers.isEmpty ? .closings : [.closings, .openings]
    for events in group.events { events.interest = interest }
  }

  /// Ends waits and streams.
  func stop() {
    let (waiting, watchers) = state.withLock { state in
      state.isStopped = true
      defer {
        state.waiting = [:]
        state.watchers = [:]
      }
      return (Array(state.waiting.values), Array(state.watchers.values))
    }
    for waiter in waiting { waiter.wake() }
    for watcher in watchers { watcher.continuation.finish() }
  }
}
