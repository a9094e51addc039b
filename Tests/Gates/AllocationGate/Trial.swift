import Dataplane
import Glibc
import Synchronization

/// One run of some workers over traffic of their own: how much their threads allocated, what happened.
struct Trial {
  let workers: Int
  /// Allocations and frees of all workers' threads together, after the warm-up.
  private(set) var allocations: UInt = 0
  private var counters: [CounterPage] = []

  /// Runs to the end.
  ///
  /// - Throws: `WorkerError` when a worker or its thread cannot be made.
  init(workers: Int, warmUp: Int, packets: Int) throws(WorkerError) {
    self.workers = workers
    let setup = Self.makeSetup(workers: workers)
    counters = setup.counters
    let events = (0..<workers).map { _ in SessionEvents() }
    let sum = Sum()
    var threads: [WorkerThread] = []
    for index in 0..<workers {
      let commands = CommandRing()
      _ = commands.submit(SessionBatch(.add(Self.requests(for: index, setup), replacing: false)))
      let box = WorkerBox(try Worker(setup, index: index, events: events[index]))
      threads.append(
        try WorkerThread(name: "gate-\(index)") {
          var queue = TrafficQueue(first: UInt32(index) << 16, warmUp: warmUp, packets: packets)
          box.run(WorkerLoop(setup, commands: commands), &queue)
          sum.add(queue.allocations)
        })
    }
    while !events.allSatisfy(\.isFinished) {
      for ring in events { while ring.take() != nil {} }
      sched_yield()
    }
    for thread in threads { thread.join() }
    allocations = sum.total
  }

  /// The sum of a counter over the workers, from the start of the run.
  func total(_ counter: Counter) -> UInt64 { counters.reduce(0) { $0 + $1[counter] } }

  private static func makeSetup(workers: Int) -> WorkerSetup {
    var random = SplitMix64(seed: 1)
    let port = WorkerSetup.Port(
      lif: 1, peer: 1, miss: .learn, learnedAction: .forward, nonSession: .forward,
      mac: MACAddress(0x0200_0000_0001))
    // Room for fewer sessions than there are conversations: learning also fails now and then.
    var setup = WorkerSetup(
      workers: workers, capacity: 50_000 * workers, ports: [port], waits: true, generator: &random)
    setup.start = TrafficQueue.start
    setup.timeouts.learnedUDP = 2
    setup.timeouts.learnedTCP = 3
    setup.timeouts.learnedHandshake = 2
    setup.timeouts.closing = 1
    setup.timeouts.linger = 1
    setup.neighbors = [
      Neighbor(address: nextHop, mac: MACAddress(0x0200_0000_0099), lif: LIF(number: 1))
    ]
    return setup
  }

  /// Sessions that mirror, snoop, drop, and leave on a VLAN, for a few UDP conversations of every queue.
  private static func requests(for worker: Int, _ setup: WorkerSetup) -> [SessionRequest] {
    var requests: [SessionRequest] = []
    for queue in 0..<UInt32(setup.workers) {
      for number in UInt32(0)..<1024 where number % 4 == 1 {
        let conversation = Conversation(index: queue << 16 | number)
        guard !conversation.isIPv6 else { continue }
        let tuple = FiveTuple(
          source: IPAddress(ipv4: conversation.client), sourcePort: conversation.clientPort,
          destination: IPAddress(ipv4: conversation.server), destinationPort: conversation.serverPort,
          transport: .udp)
        guard setup.owner(of: tuple) == worker else { continue }
        let action = Action.allCases[Int(number / 4) % Action.allCases.count]
        let outLIF = action == .forward ? LIF(number: 1, vlan: 7) : LIF.any
        requests.append(
          SessionRequest(
            id: SessionID(UInt64(conversation.index) + 1), outLIF: outLIF, tuple: tuple, action: action,
            nextHop: nextHop, cacheTimeout: 3600))
      }
    }
    return requests + endingRequests(for: worker, setup)
  }

  /// Sessions without packets that time out one after another while counting, each the last of its policy.
  private static func endingRequests(for worker: Int, _ setup: WorkerSetup) -> [SessionRequest] {
    (UInt32(0)..<1024).compactMap { number in
      let tuple = FiveTuple(
        source: IPAddress(ipv4: 0xAC10_0000 | number), sourcePort: 40000,
        destination: IPAddress(ipv4: 0xAC11_0001), destinationPort: 53, transport: .udp)
      guard setup.owner(of: tuple) == worker else { return nil }
      // 10 s to 25 s: counting begins after 8 s and ends after 28 s. The VLAN makes the policy its own.
      return SessionRequest(
        id: SessionID(1 << 32 | UInt64(number)), outLIF: LIF(number: 1, vlan: UInt16(number % 64) + 100),
        tuple: tuple, action: .drop, cacheTimeout: 10 + number / 64)
    }
  }

  private static let nextHop = IPAddress(ipv4: 0xC0A8_0001)
}

/// What the workers' threads report, added up.
private final class Sum: Sendable {
  private let value = Atomic<UInt>(0)

  func add(_ amount: UInt) { value.add(amount, ordering: .relaxed) }
  var total: UInt { value.load(ordering: .relaxed) }
}

/// Carries a worker to its thread.
private final class WorkerBox: @unchecked Sendable {
  // SAFETY (@unchecked): filled before the thread starts, used by that thread only.
  private var worker: Worker

  init(_ worker: consuming Worker) { self.worker = worker }

  func run<Queue: PacketQueue & ~Copyable>(_ loop: WorkerLoop, _ queue: inout Queue) {
    loop.run(&worker, &queue)
  }
}
