public import Dataplane

/// Everything a configuration file decides, validated. An empty file gives these defaults.
///
/// docs/configuration.md is the reference of the YAML keys, their ranges and defaults.
public struct Configuration: Hashable, Sendable {
  /// Sessions that fit over all workers together, 1...4,000,000,000.
  public var capacity = 1_000_000
  /// Closed session records kept until acknowledged, 0...4,000,000,000.
  public var closedRetention = 65_536
  /// Worker threads, 1...64; as many as `threads.cores` lists, if it is a list.
  public var workers = 1
  /// How those of the daemon run.
  public var threads = WorkerSettings()
  /// Who acts on FIN, RST and SYN.
  public var tcpControl = TCPControl.track
  /// Idle times; `cacheDefault` is at most `cacheMaximum`.
  public var timeouts = Timeouts()
  /// In file order. LIF numbers and names are unique, every `peer` is one of the LIFs.
  public var ports: [Port] = []
  /// Addresses are unique. With ports, every neighbour's LIF number is one of theirs.
  public var neighbors: [Neighbor] = []
  /// Static routes by routed ports; each prefix once.
  public var routes: [Route] = []
  /// How MIRROR and SNOOP copies travel; GRE has at least one source address.
  public var copies = CopyEncapsulation.ethernet
  /// The `sessions:` list of the file itself, in file order; sessions files are read by ``SessionsFile``.
  public var sessions: [SessionRequest] = []
  /// How capture ports play in the daemon.
  public var captures = CaptureSettings()
  /// How the control API is served.
  public var api = APISettings()
  /// Where the daemon's sessions outlive the process; nil where they do not.
  public var warmRestart: WarmRestartSettings?

  /// What an empty file means.
  public init() {}

  /// The configured LIF numbers, or nil when no ports are configured and any number may be used.
  public var knownLIFs: Set<UInt16>? {
    ports.isEmpty ? nil : Set(ports.map(\.lif.number))
  }
}
