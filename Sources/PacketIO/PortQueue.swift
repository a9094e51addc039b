package import Dataplane
import Synchronization

/// The queue of a worker of a running dataplane: all its ports, in monotonic time.
///
/// Packets of captures come by a feed's ring, those of memory ports from where they lie, those of live ports
/// from a ring of the kernel. What leaves by a live port is sent, what leaves by another one goes nowhere;
/// both are counted by port. Worker 0 takes from the feeds and hands over; of memory traffic and live ports
/// each worker has its own part.
package struct PortQueue: PacketQueue, ~Copyable {
  /// A memory port.
  package struct MemorySource: Sendable {
    package var traffic: MemoryTraffic
    /// Where the packets of clients and those of servers arrive.
    package var ends: (client: Arrival, server: Arrival)
    /// `max`, or packets a second.
    package var rate: ReplayRate

    package init(_ traffic: MemoryTraffic, ends: (client: Arrival, server: Arrival), rate: ReplayRate) {
      self.traffic = traffic
      self.ends = ends
      self.rate = rate
    }
  }

  private let clock: MonotonicClock
  let mesh: HandoffMesh
  let worker: Int
  let isAlone: Bool
  private let stop: StopSignal
  private let counters: PortCounters
  var positions: PortPositions
  var feeds: [FeedReader]
  var streams: [MemoryStream]
  private(set) var live: [LiveQueue] = []
  /// How many of them, the first ones, are received from: of new ones it is waited for all workers to know.
  var receiving = 0
  private var hasLive = false
  /// By port: its place in `live`; `notLive` for others.
  private var livePlaces = FixedArray<UInt8>(repeating: Self.notLive)
  /// By place in `live`: whether some packet of the burst leaves there.
  private var isWanted = FixedArray<Bool>(repeating: false)
  /// The source that is looked at next: feeds, then streams, then live ports.
  var next = 0
  /// When the receiving was ended.
  private var shutTime: PacketTime?
  /// What changes have ended and is not over yet, and whether its turn is next.
  var retiring: [RetiringPorts] = []
  var isRetiringNext = false
  package private(set) var longestSleep = UInt64.max
  package private(set) var linkMoves: UInt32 = 0

  /// - Parameters:
  ///   - feeds: none for workers that do not take from captures.
  ///   - memory: every memory port; the worker takes its part of each.
  ///   - live: the worker's own queues of live ports, at most 255.
  ///   - stop: ends the receiving.
  package init(
    worker: Int, setup: WorkerSetup, clock: MonotonicClock, feeds: [CaptureFeed], memory: [MemorySource],
    live: [LiveQueue] = [], counters: PortCounters, positions: PortPositions, stop: StopSignal
  ) {
    self.worker = worker
    self.clock = clock
    self.stop = stop
    self.counters = counters
    self.positions = positions
    mesh = setup.mesh
    isAlone = setup.workers == 1
    self.feeds = feeds.map { FeedReader($0) }
    streams = memory.map { MemoryStream($0, worker: worker) }
    setLive(live)
  }

  /// Sends and receives by these live ports from now on.
  mutating func setLive(_ live: [LiveQueue]) {
    for queue in self.live { livePlaces[Int(queue.arrival.port)] = Self.notLive }
    self.live = live
    receiving = live.count
    hasLive = !live.isEmpty
    for (place, queue) in live.enumerated() { livePlaces[Int(queue.arrival.port)] = UInt8(place) }
  }

  private static let notLive = UInt8.max

  package var presentTime: PacketTime? { clock.now }

  /// The sockets of live ports: feeds ring, and memory knows when its next packet is due.
  package func watch(_ wakes: inout PollSet) {
    for index in 0..<receiving { live[index].watch(&wakes) }
  }

  package mutating func receive(into burst: inout PacketBurst) -> ReceiveStatus {
    for index in feeds.indices { feeds[index].release(mesh, worker: worker, isAlone: isAlone) }
    let now = clock.now
    for index in 0..<receiving {
      if live[index].begin(mesh, isAlone: isAlone, now: now) { linkMoves &+= 1 }
    }
    if !retiring.isEmpty, retire(into: &burst, now: now) {
      countReceived(burst)
      return .packets
    }
    if stop.isSet { return drain(&burst, now) }
    longestSleep = .max
    let quiet = feeds.count + streams.count
    let sources = quiet + receiving
    for _ in 0..<sources {
      let source = next
      next = next + 1 == sources ? 0 : next + 1
      if source < feeds.count {
        feeds[source].receive(into: &burst, now: now)
      } else if source >= quiet {
        live[source - quiet].receive(into: &burst, now: now)
      } else {
        let wait = streams[source - feeds.count].receive(into: &burst, now: now)
        longestSleep = min(longestSleep, wait)
      }
      guard burst.isEmpty else {
        countReceived(burst)
        return .packets
      }
    }
    return .idle
  }

  /// Takes what live ports had received when the stop came; nothing comes any more.
  private mutating func drain(_ burst: inout PacketBurst, _ now: PacketTime) -> ReceiveStatus {
    let end = shutTime ?? now
    shutTime = end
    var isOver = true
    for queue in live {
      queue.shut()
      queue.receive(into: &burst, now: now)
      guard burst.isEmpty else {
        countReceived(burst)
        return .packets
      }
      // What the kernel shows late comes yet.
      if now.nanoseconds &- end.nanoseconds < queue.delay { isOver = false }
    }
    return isOver ? .ended : .idle
  }

  /// Sends what leaves by live ports, and counts what leaves by each port. A LIF that no port has cannot be
  /// sent to.
  package mutating func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {
    var run = Run()
    for index in 0..<burst.count {
      let verdict = outcome[index]
      switch verdict.kind {
      case .forward, .mirror, .snoop, .punt:
        guard verdict.outLIF != 0 else {
          // Punted, and there is no host port; or its port has just ceased to be routed.
          if verdict.kind != .punt { outcome[index] = .drop(.noRoute) }
          continue
        }
        guard let port = positions.position(verdict.outLIF) else {
          outcome[index] = .drop(.transmitFailed)
          continue
        }
        if hasLive, markWanted(port) { continue }
        if port != run.port { endTransmitted(&run, next: port) }
        run.add(burst.originalLength(index))
      case .drop, .consume, .handOff, .hold: continue
      }
    }
    for index in 0..<outcome.copyCount { transmit(copy: index, &outcome, &run) }
    endTransmitted(&run, next: -1)
    for place in live.indices where isWanted[place] {
      isWanted[place] = false
      live[place].transmit(burst, &outcome)
    }
  }

  package func linkState(of position: Int) -> LinkState? {
    let place = livePlaces[position]
    return place == Self.notLive ? nil : live[Int(place)].link
  }

  /// Notes that a packet leaves by `port`, if it is a live one.
  private mutating func markWanted(_ port: Int) -> Bool {
    let place = livePlaces[port]
    guard place != Self.notLive else { return false }
    isWanted[Int(place)] = true
    return true
  }

  private func transmit(copy index: Int, _ outcome: inout BurstOutcome, _ run: inout Run) {
    let copy = outcome.copy(index)
    guard !copy.failed else { return }
    guard let port = positions.position(copy.outLIF) else { return outcome.markCopyFailed(index) }
    let place = livePlaces[port]
    if place != Self.notLive {
      if !live[Int(place)].transmit(outcome.copyBytes(index)) { outcome.markCopyFailed(index) }
      return
    }
    if port != run.port { endTransmitted(&run, next: port) }
    run.add(copy.originalLength)
  }

  package mutating func finish() {
    for feed in feeds { feed.abandon() }
    for queue in live { queue.finish() }
    for index in retiring.indices { retiring[index].leave() }
  }

  // MARK: Counting

  /// Packets in a row of one port.
  private struct Run {
    var port = -1
    var traffic = PortCounters.Traffic()

    mutating func add(_ length: UInt32) {
      traffic.packets &+= 1
      traffic.bytes &+= UInt64(length)
    }
  }

  private func countReceived(_ burst: borrowing PacketBurst) {
    var run = Run()
    for index in 0..<burst.count {
      let port = burst.port(index)
      if port != run.port {
        if run.port >= 0 { counters.addReceived(run.traffic, port: run.port) }
        run = Run()
        run.port = port
      }
      run.add(burst.originalLength(index))
    }
    if run.port >= 0 { counters.addReceived(run.traffic, port: run.port) }
  }

  private func endTransmitted(_ run: inout Run, next port: Int) {
    if run.port >= 0 { counters.addTransmitted(run.traffic, port: run.port) }
    run = Run()
    run.port = port
  }
}
