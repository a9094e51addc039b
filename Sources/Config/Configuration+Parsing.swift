internal import Dataplane
internal import Yams

extension Configuration {
  /// Reads the configuration file at `path`, up to 1 MiB of YAML.
  ///
  /// - Throws: everything that is wrong with it, or that it cannot be read.
  public static func load(path: String) throws(ConfigError) -> Configuration {
    try ConfigurationFile.load(path: path).configuration
  }

  /// ``load(path:)`` of a text. `file` is for messages, and captures are relative to its directory.
  public static func parse(_ text: String, file: String) throws(ConfigError) -> Configuration {
    try read(text, file: file).configuration
  }

  static func read(
    _ text: String, file: String
  ) throws(ConfigError) -> (configuration: Configuration, places: FieldPlaces) {
    var problems = ProblemList(file: file)
    guard text.utf8.count <= TextFile.largestDocument else {
      problems.add("is over 1 MiB; accepted: up to 1 MiB, with sessions in a file of their own", at: nil)
      throw problems.error
    }
    let root = YAMLDocument.parse(text, problems: &problems)
    let configuration = Configuration(root: root, problems: &problems)
    guard problems.isEmpty else { throw problems.error }
    return (configuration, FieldPlaces(root))
  }

  private init(root: Node?, problems: inout ProblemList) {
    self.init()
    guard let root else { return }
    if case .scalar(let scalar) = root, scalar.isNull { return }
    guard let fields = MappingReader(root, .root, keys: Self.keys, problems: &problems) else { return }
    readWorkers(fields, &problems)
    if let node = fields.node("timeouts") {
      timeouts = Timeouts(node, fields.path(of: "timeouts"), problems: &problems)
    }
    let reading = PortList.parse(fields, problems: &problems)
    ports = reading.ports
    neighbors = NeighborEntry.parse(fields, knownLIFs: reading.knownLIFs, problems: &problems)
    routes = RouteEntry.parse(fields, ports: reading, problems: &problems)
    if let node = fields.node("copies") {
      copies = CopyEncapsulation(node, fields.path(of: "copies"), problems: &problems)
    }
    captures = CaptureSettings(fields, &problems)
    api = APISettings(fields, &problems)
    warmRestart = WarmRestartSettings(fields, &problems)
    readSessions(fields, knownLIFs: reading.knownLIFs, &problems)
  }

  private mutating func readWorkers(_ fields: MappingReader, _ problems: inout ProblemList) {
    let largest = UInt64(Self.largestCapacity)
    capacity = fields.integer("capacity", in: 1...largest, &problems).map { Int($0 as UInt64) } ?? capacity
    closedRetention =
      fields.integer("closed_retention", in: 0...largest, &problems).map { Int($0 as UInt64) }
      ?? closedRetention
    threads = WorkerSettings(fields, &problems)
    let count = fields.integer("workers", in: 1...64, &problems).map { Int($0 as UInt64) }
    workers = count ?? workers
    if case .list(let cores) = threads.cores {
      workers = cores.count
      if let count, count != cores.count {
        fields.refuse(
          "workers",
          "\(count) contradicts cores, which names \(cores.count); name one for each, or leave "
            + "workers out", &problems)
      }
    }
    let controls: [(String, TCPControl)] = [("track", .track), ("punt", .punt)]
    tcpControl = fields.choice("tcp_control", among: controls, &problems) ?? tcpControl
  }

  private mutating func readSessions(
    _ fields: MappingReader, knownLIFs: Set<UInt16>?, _ problems: inout ProblemList
  ) {
    var list = SessionList(
      rules: SessionEntry.Rules(cacheMaximum: timeouts.cacheMaximum, knownLIFs: knownLIFs))
    for entry in fields.list("sessions", &problems) { list.append(entry, problems: &problems) }
    sessions = list.sessions
  }

  /// Records are numbered by 32 bits; the top of the range marks none and leaves room for shards' slack.
  private static let largestCapacity = 4_000_000_000

  private static let keys =
    [
      "capacity", "closed_retention", "workers", "tcp_control", "timeouts", "ports", "neighbors", "routes",
      "copies", "captures", "api", "warm_restart", "sessions",
    ] + WorkerSettings.keys
}
