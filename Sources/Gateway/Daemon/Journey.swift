public import Dataplane

/// What became of one packet, step by step, in words.
public struct Journey: Sendable {
  /// What a worker did.
  public struct Step: Sendable {
    /// receive, parse, session ...: docs/operations.md lists them.
    public var name: String
    public var worker: Int
    /// For people.
    public var text: String
    /// For programs, each name once.
    public var details: [(name: String, value: String)]
  }

  /// When it was received, nanoseconds since the Unix epoch, UTC.
  public private(set) var time: UInt64
  public private(set) var port: String
  /// Bytes that it had on its link.
  public private(set) var originalLength: UInt32
  /// What it is, in the manner of tcpdump.
  public private(set) var description: String
  public private(set) var verdict: Verdict.Kind
  /// Set when it was dropped.
  public private(set) var reason: DropReason?
  /// Where it left; nil when it did not.
  public private(set) var outPort: String?
  public private(set) var steps: [Step] = []

  /// - Parameters:
  ///   - passes: all of the packet's, in order; not empty.
  ///   - bytes: the packet as it was received.
  init(_ passes: [TracedPass], _ bytes: [UInt8], time: UInt64, ports names: PortNames) {
    self.time = time
    let first = passes.first
    let last = passes.last?.final ?? Verdict(.drop)
    port = names.name(first?.lif ?? 0)
    originalLength = first?.originalLength ?? 0
    verdict = last.kind
    reason = last.kind == .drop ? last.reason : nil
    outPort = last.kind.isSent && last.outLIF != 0 ? names.name(last.outLIF) : nil
    let packet = JourneyPacket(bytes, first)
    description = packet.description
    for (index, pass) in passes.enumerated() {
      let teller = JourneyTeller(pass: pass, packet: packet, ports: names)
      steps += teller.steps(isFirst: index == 0, isLast: index == passes.count - 1)
    }
  }
}

/// What ports are called and what they do.
struct PortNames: Sendable {
  struct Port: Sendable {
    let name: String
    let miss: MissPolicy
    let nonSession: NonSessionPolicy
  }

  private let ports: [UInt16: Port]

  /// - Parameter names: of configured ports, by LIF number.
  init(_ ports: [WorkerSetup.Port], names: [UInt16: String]) {
    let named = ports.map { port in
      let name = names[port.lif] ?? "lif-\(port.lif)"
      return (port.lif, Port(name: name, miss: port.miss, nonSession: port.nonSession))
    }
    self.ports = Dictionary(named, uniquingKeysWith: { first, _ in first })
  }

  subscript(lif: UInt16) -> Port? { ports[lif] }

  func name(_ lif: UInt16) -> String { ports[lif]?.name ?? "lif-\(lif)" }

  /// `port left (LIF 1)`, or that there is none.
  func text(_ lif: UInt16) -> String {
    ports[lif].map { "port \($0.name) (LIF \(lif))" } ?? "LIF \(lif), which no port has"
  }
}
