import Config
import Dataplane
import PacketIO

/// The configuration that a daemon runs by, and what is open for its ports.
struct RunningPorts {
  var configuration: Configuration
  /// By port of the configuration: its place in the workers' list, where it stays as long as it is there.
  var places: [Int]
  /// The following by place.
  var live: [Int: LivePort]
  var feeds: [Int: CaptureFeed]
  var memory: [Int: PortQueue.MemorySource]
  /// By worker: its queues of the live ports.
  var queues: [[LiveQueue]]
  /// By place: what had been counted there for other ports before.
  var before: [Int: PortTotals] = [:]
  /// Feeds ever started: they have names.
  var feedCount: Int

  init(_ configuration: Configuration, _ plan: DaemonPlan, _ opened: OpenedPorts) {
    self.configuration = configuration
    places = plan.places
    live = [:]
    feeds = [:]
    memory = [:]
    queues = opened.queues.map { _ in [] }
    feedCount = plan.feeds.count
    add(opened)
  }

  mutating func add(_ opened: OpenedPorts) {
    for port in opened.live { live[Int(port.arrival.port)] = port }
    for feed in opened.feeds { for place in feed.ports { feeds[place] = feed } }
    for source in opened.memory { memory[Int(source.ends.client.port)] = source }
    for worker in queues.indices { queues[worker] += opened.queues[worker] }
  }

  /// Forgets what is open for a port that ends, or receives from something else.
  mutating func remove(place: Int) {
    live[place] = nil
    feeds[place] = nil
    memory[place] = nil
    for worker in queues.indices { queues[worker].removeAll { Int($0.arrival.port) == place } }
  }

  /// Each feed once.
  var playing: [CaptureFeed] {
    var seen = Set<ObjectIdentifier>()
    return feeds.values.filter { seen.insert(ObjectIdentifier($0)).inserted }
  }
}

/// What a plan has opened; nothing comes through it before it is started.
struct OpenedPorts {
  let live: [LivePort]
  let feeds: [CaptureFeed]
  let memory: [PortQueue.MemorySource]
  /// By worker.
  let queues: [[LiveQueue]]

  /// - Parameter areAgain: whether interfaces were open before, and then made again.
  init(
    _ plan: DaemonPlan, _ setup: WorkerSetup, _ counters: [PortCounters], _ steering: FanoutSteering?,
    areAgain: Bool = false
  ) throws(DaemonError) {
    memory = try plan.memory(setup)
    live = try plan.openLivePorts(steering, areAgain: areAgain)
    queues = try plan.queues(of: live, setup, counters)
    feeds = plan.feeds
  }
}

/// What was counted at one place of the workers' list, over all workers.
struct PortTotals {
  var received = PortCounters.Traffic()
  var transmitted = PortCounters.Traffic()
  var events: [UInt64]
  /// Of packets that came by it, in the order of `DropReason.allCases`.
  var drops: [UInt64]

  init(_ counters: [PortCounters], _ pages: [CounterPage], at place: Int) {
    for each in counters {
      received += each.received(place)
      transmitted += each.transmitted(place)
    }
    events = PortCounters.Event.allCases.map { event in counters.reduce(0) { $0 + $1[place, event] } }
    drops = DropReason.allCases.map { reason in pages.reduce(0) { $0 + $1.portDrops[reason, place] } }
  }

  static func - (now: PortTotals, before: PortTotals?) -> PortTotals {
    guard let before else { return now }
    var left = now
    left.received.packets -= before.received.packets
    left.received.bytes -= before.received.bytes
    left.transmitted.packets -= before.transmitted.packets
    left.transmitted.bytes -= before.transmitted.bytes
    for (index, event) in PortCounters.Event.allCases.enumerated() where !event.isGauge {
      left.events[index] -= min(before.events[index], now.events[index])
    }
    left.drops = zip(now.drops, before.drops).map { $0 - $1 }
    return left
  }
}
