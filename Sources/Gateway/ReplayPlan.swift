import Config
import Dataplane
import PacketIO

/// Which captures arrive on which ports, and what the ports do: options and configuration brought together.
struct ReplayPlan {
  /// The captures, in the order of their ports; `-` is standard input.
  let files: [String]
  let workers: Int
  private let options: ReplayOptions
  /// The configured port that names the capture, where the command line names none.
  private let namedBy: [Int]

  /// - Throws: `.usage` when options contradict each other.
  init(_ options: ReplayOptions) throws(ReplayError) {
    self.options = options
    workers = options.workers ?? options.configuration.workers
    guard (1...64).contains(workers) else {
      throw ReplayError(.usage, "--workers \(workers): accepted: 1...64")
    }
    let configured = options.configuration.ports
    guard configured.count <= WorkerSetup.maxPorts else {
      throw ReplayError(.usage, "\(configured.count) ports are configured: at most \(WorkerSetup.maxPorts)")
    }
    if let port = configured.first(where: { !$0.addresses.isEmpty }) {
      throw ReplayError(
        .usage, "port \(port.name) has addresses: only \"sluice run\" routes; leave them out for a replay")
    }
    namedBy = options.captures.isEmpty ? configured.indices.filter { configured[$0].capture != nil } : []
    files = options.captures + namedBy.compactMap { configured[$0].capture }
    guard !files.isEmpty else {
      throw ReplayError(
        .usage, "no capture to replay: name one, or give a port a \"capture\" in the configuration")
    }
    if options.rounds != 1, let input = files.first(where: Self.isStandardInput) {
      throw ReplayError(
        .usage, "--loop: standard input (\(input)) can be read only once: put it into a file first")
    }
    if options.split != nil { try checkSplit() }
    guard files.count <= WorkerSetup.maxPorts else {
      throw ReplayError(
        .usage, "\(files.count) captures: at most \(WorkerSetup.maxPorts) can be replayed together")
    }
    guard files.filter(Self.isStandardInput).count < 2 else {
      throw ReplayError(.usage, "standard input (-) is named more than once: it can be read by one capture")
    }
  }

  /// Whether a capture's name means standard input.
  private static func isStandardInput(_ file: String) -> Bool {
    [ReplayOptions.standardInput, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].contains(file)
  }

  /// A split has one capture, and the two ports that its packets are dealt to.
  private func checkSplit() throws(ReplayError) {
    guard files.count == 1 else {
      throw ReplayError(.usage, "--split deals one capture to two LIFs: there are \(files.count) captures")
    }
    let configured = options.configuration.ports.count
    guard configured == 0 || configured == 2 else {
      throw ReplayError(
        .usage, "--split deals one capture to two ports: \(configured) are configured, 2 or none are wanted")
    }
  }

  /// The ports, and the ones of them that packets of each capture arrive on.
  ///
  /// - Parameter interfaceCounts: interfaces of each capture; 1 for a classic one.
  /// - Throws: `.usage` when there is not a port for each.
  func ports(
    _ interfaceCounts: [Int]
  ) throws(ReplayError) -> (ports: [WorkerSetup.Port], arrivals: [Arrivals]) {
    let configured = options.configuration.ports
    let count = interfaceCounts.reduce(0, +)
    if options.split != nil, count != 1 {
      throw ReplayError(
        .usage, "--split deals one interface's packets to two LIFs: \(files[0]) has \(count) interfaces")
    }
    // The second port of a split has packets that were captured on the first.
    let wanted = options.split == nil ? count : 2
    let ports =
      configured.isEmpty
      ? Self.plainPorts(count: min(wanted, WorkerSetup.maxPorts), learn: options.learn)
      : configured.map { WorkerSetup.Port($0, learn: options.learn) }
    let places = ports.enumerated().map { Arrival(lif: $1.lif, port: UInt8($0)) }
    if options.split != nil { return (ports, [.each([places[0]])]) }
    if !namedBy.isEmpty { return (ports, namedBy.map { .all(places[$0]) }) }
    guard count <= places.count else { throw tooFew(ports: places.count, interfaceCounts) }
    var next = 0
    return (
      ports,
      interfaceCounts.map { count in
        defer { next += count }
        return .each(Array(places[next..<next + count]))
      }
    )
  }

  private func tooFew(ports: Int, _ interfaceCounts: [Int]) -> ReplayError {
    let count = interfaceCounts.reduce(0, +)
    let areInterfaces = count != files.count
    let place = files.count == 1 ? files[0] : "\(files.count) captures"
    let found = areInterfaces ? "\(count) interfaces in \(place)" : "\(count) captures"
    if options.configuration.ports.isEmpty {
      return ReplayError(.usage, "\(found): at most \(ports) can be replayed together")
    }
    let mend =
      areInterfaces
      ? "configure a port for each interface, or name a capture in a port's \"capture\", where all its "
        + "interfaces arrive on that port"
      : "configure a port for each capture"
    return ReplayError(.usage, "\(found) but \(ports) configured ports: \(mend)")
  }

  /// With exactly two LIFs each is the other's peer, otherwise each is its own.
  private static func plainPorts(count: Int, learn: Action?) -> [WorkerSetup.Port] {
    (0..<count).map { index in
      let lif = UInt16(index + 1)
      return WorkerSetup.Port(
        lif: lif, peer: count == 2 ? 3 - lif : lif, miss: learn == nil ? .forward : .learn,
        learnedAction: learn ?? .forward, nonSession: .forward,
        mac: Config.Port.defaultMAC(for: LIF(number: lif)))
    }
  }
}
extension WorkerSetup.Port {
  /// A configured port.
  ///
  /// - Parameter learn: makes the port learn, with this action; nil leaves it as it is configured.
  init(_ port: Config.Port, learn: Action? = nil) {
    self.init(
      lif: port.lif.number, peer: port.peer.number, miss: learn == nil ? port.miss : .learn,
      learnedAction: learn ?? port.learnedAction, nonSession: port.nonSession, mac: port.mac)
    host = port.host?.number ?? 0
  }
}
