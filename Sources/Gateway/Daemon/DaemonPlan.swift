import Config
import Dataplane
import Glibc
import PacketIO

/// The ports of a configuration as the daemon runs them: what each receives from, opened and checked. While
/// it runs, only what is new about them is opened.
struct DaemonPlan {
  /// As workers see them, in file order.
  let ports: [WorkerSetup.Port]
  /// By port: its place in the workers' list.
  let places: [Int]
  /// Players of captures: all files together, then each pipe.
  let feeds: [CaptureFeed]
  /// By port: whether what it receives from is opened.
  private let opens: [Bool]
  private let configured: [Config.Port]
  private let workers: Int
  /// The network devices that ports use, for placing workers near them: captures and memory have none.
  var interfaces: [String] { configured.compactMap(\.live?.interface) }

  /// - Parameters:
  ///   - places: as many as there are ports, each once, below `WorkerSetup.maxPorts`; nil for the file's.
  ///   - opened: the ports that are opened; nil for all.
  /// - Throws: captures that cannot be opened, and what `captures` asks for that cannot be done with them.
  init(
    _ configuration: Configuration, places: [Int]? = nil, opened: [Int]? = nil
  ) throws(DaemonError) {
    let configured = configuration.ports
    self.configured = configured
    workers = configuration.workers
    let places = places ?? Array(configured.indices)
    self.places = places
    let opens = configured.indices.map { index in opened?.contains(index) ?? true }
    self.opens = opens
    guard configured.count <= WorkerSetup.maxPorts else {
      throw DaemonError(
        status: 2, message: "\(configured.count) ports are configured: at most \(WorkerSetup.maxPorts)")
    }
    let ports = configured.map { Self.port($0, configuration.api.lifPolicy) }
    self.ports = ports
    let positions = configured.indices.filter { configured[$0].capture != nil && opens[$0] }
    let captures = positions.map { (position: $0, file: configured[$0].capture ?? "") }
    if let input = captures.first(where: { $0.file == ReplayOptions.standardInput }) {
      throw DaemonError(
        status: 2,
        message: "port \(configured[input.position].name): a daemon has no standard input to capture from: "
          + "name a file or a pipe", field: "ports[\(input.position)].capture")
    }
    if configuration.captures.split != nil, opened == nil || !captures.isEmpty {
      try Self.checkSplit(configured, captures.map(\.file))
    }
    let wishes = ReplayShaping.Wishes(
      rate: configuration.captures.rate, rounds: configuration.captures.rounds,
      filter: configuration.captures.filter, split: configuration.captures.split, prefix: "captures.")
    do throws(ReplayError) {
      let arrivals = zip(ports, places).map { Arrival(lif: $0.lif, port: UInt8($1)) }
      var feeds = try Self.files(captures.filter { !Self.isPipe($0.file) }, ports, arrivals, wishes)
      for pipe in captures where Self.isPipe(pipe.file) {
        feeds.append(Self.pipe(pipe.file, arrivals[pipe.position], ports, wishes))
      }
      self.feeds = feeds
    } catch {
      let field = captures.count == 1 ? "ports[\(captures[0].position)].capture" : "ports"
      throw DaemonError(status: error.code == .usage ? 2 : 1, message: error.message, field: field)
    }
  }

  /// In the daemon a learned session is where its packet was: on the port's LIF and its peer's. Where any LIF
  /// may be named, it names none.
  private static func port(_ port: Config.Port, _ policy: LIFPolicy) -> WorkerSetup.Port {
    var seen = WorkerSetup.Port(port)
    if policy == .strict {
      // Which way a routed packet leaves the route table says.
      let peer = port.addresses.isEmpty ? LIF(number: port.peer.number) : .any
      seen.learnedLIFs = (LIF(number: port.lif.number), peer)
    }
    seen.addresses = port.addresses
    if port.takesInterfaceMAC, let mac = port.live.flatMap({ LivePort.address(of: $0) }) { seen.mac = mac }
    return seen
  }

  private static func checkSplit(_ ports: [Config.Port], _ files: [String]) throws(DaemonError) {
    let areCaptures = ports.allSatisfy { $0.memory == nil && $0.live == nil }
    guard files.count == 1, ports.count == 2, areCaptures else {
      throw DaemonError(
        status: 2,
        message: "captures.split deals one capture to two ports: there are \(files.count) captures and "
          + "\(ports.count) ports\(areCaptures ? "" : ", one with memory or an interface")")
    }
    guard !isPipe(files[0]) else {
      throw DaemonError(
        status: 2, message: "captures.split: \(files[0]) is a pipe: it arrives on its port as it comes")
    }
  }

  private static func isPipe(_ file: String) -> Bool {
    var status = stat()
    return unsafe stat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
  }

  // MARK: Feeds

  private static func files(
    _ captures: [(position: Int, file: String)], _ ports: [WorkerSetup.Port], _ arrivals: [Arrival],
    _ wishes: ReplayShaping.Wishes
  ) throws(ReplayError) -> [CaptureFeed] {
    guard !captures.isEmpty else { return [] }
    let sources: ReplaySources
    do throws(CaptureError) {
      sources = try ReplaySources(files: captures.map(\.file))
      // The one interface of a split arrives on the first port until it is dealt.
      try sources.assign(
        wishes.split == nil
          ? captures.map { .all(arrivals[$0.position]) } : [.each([arrivals[0]])])
    } catch {
      throw ReplayError(.failed, error.description)
    }
    if wishes.rounds != 1, let file = sources.onceOnly {
      throw ReplayError(.usage, "captures.loop: \(file) can be read only once: put it into a file first")
    }
    let shaping = try ReplayShaping(wishes, ports, sources)
    let places = wishes.split == nil ? captures.map { Int(arrivals[$0.position].port) } : [0, 1]
    return [CaptureFeed(.files(sources), ports: places, rounds: wishes.rounds) { _ in shaping }]
  }

  /// A pipe is played as it comes, once.
  private static func pipe(
    _ file: String, _ arrival: Arrival, _ ports: [WorkerSetup.Port], _ wishes: ReplayShaping.Wishes
  ) -> CaptureFeed {
    var wishes = wishes
    wishes.rate = .max
    wishes.rounds = 1
    let plain = wishes
    return CaptureFeed(.pipe(file, arrival), ports: [Int(arrival.port)], rounds: 1) {
      (sources) throws(CaptureError) in
      do throws(ReplayError) {
        return try ReplayShaping(plain, ports, sources)
      } catch {
        throw CaptureError(.cannotOpen, file: file, error.message)
      }
    }
  }

  private func arrival(_ position: Int) -> Arrival {
    Arrival(lif: ports[position].lif, port: UInt8(places[position]))
  }

  // MARK: Memory

  /// Makes the traffic of memory ports.
  func memory(_ setup: WorkerSetup) throws(DaemonError) -> [PortQueue.MemorySource] {
    var sources: [PortQueue.MemorySource] = []
    for (position, port) in configured.enumerated() {
      guard let memory = port.memory, opens[position] else { continue }
      let traffic: MemoryTraffic
      do throws(MemoryTraffic.Refusal) {
        traffic = try MemoryTraffic(
          MemoryTraffic.Options(
            flows: memory.flows, packets: memory.packets, size: memory.size, seed: memory.seed),
          workers: setup.workers, owner: setup.owner)
      } catch {
        throw DaemonError(
          status: 1, message: "port \(port.name): memory: \(error.message)",
          field: "ports[\(position)].memory")
      }
      let peer = configured.firstIndex { $0.lif == port.peer } ?? position
      sources.append(
        PortQueue.MemorySource(
          traffic, ends: (arrival(position), arrival(peer)), rate: memory.rate))
    }
    return sources
  }

  // MARK: Interfaces

  var hasLivePorts: Bool { configured.contains { $0.live != nil } }

  /// How packets get to the workers, where there are several and a port may want it, now or after a reload.
  func steering(_ setup: WorkerSetup) -> FanoutSteering? {
    let mayBeWanted = configured.contains { if case .afPacket = $0.live { true } else { false } }
    return mayBeWanted && workers > 1 ? FanoutSteering(setup) : nil
  }

  /// Opens the network interfaces; nothing comes through them before they are started.
  ///
  /// - Parameter areAgain: whether they were open before, and then made again.
  func openLivePorts(_ steering: FanoutSteering?, areAgain: Bool) throws(DaemonError) -> [LivePort] {
    var opened: [LivePort] = []
    for (position, port) in configured.enumerated() {
      guard let settings = port.live, opens[position] else { continue }
      do throws(LivePortError) {
        opened.append(
          try LivePort(
            settings, at: arrival(position), workers: workers, steering: steering, isAgain: areAgain))
      } catch {
        throw DaemonError(
          status: 1, message: "port \(port.name): \(error)", field: "ports[\(position)].interface")
      }
    }
    return opened
  }

  /// Every worker's queues of them.
  func queues(
    of ports: [LivePort], _ setup: WorkerSetup, _ counters: [PortCounters]
  ) throws(DaemonError) -> [[LiveQueue]] {
    var queues: [[LiveQueue]] = []
    do throws(LivePortError) {
      for worker in 0..<setup.workers {
        queues.append(
          try LivePort.queues(of: ports, worker: worker, setup: setup, counters: counters[worker]))
      }
    } catch {
      let live = configured.indices.filter { configured[$0].live != nil && opens[$0] }
      let field = live.count == 1 ? "ports[\(live[0])].interface" : "ports"
      throw DaemonError(status: 1, message: error.description, field: field)
    }
    return queues
  }
}
