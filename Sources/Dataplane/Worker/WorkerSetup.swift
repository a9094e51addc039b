/// What all workers of one dataplane share at their start.
public struct WorkerSetup: Sendable {
  /// Ports that a worker keeps policies for.
  public static let maxPorts = 256

  /// A port as workers see it.
  public struct Port: Sendable {
    /// LIF number, 1...65535.
    public var lif: UInt16
    /// The LIF number that FORWARD and the policies send to when a session does not name one.
    public var peer: UInt16
    /// The LIF number of the host port, which punted packets go to; 0 for none: they are counted.
    public var host: UInt16 = 0
    public var miss: MissPolicy
    /// The action of sessions learned here.
    public var learnedAction: Action
    public var nonSession: NonSessionPolicy
    /// The LIFs of sessions learned here, initiator's and responder's side; `.any` in replay. Those of tagged
    /// packets have the packet's VLAN in addition.
    public var learnedLIFs: (LIF, LIF) = (.any, .any)
    /// Source address of copies that leave here; a routed port's own.
    public var mac: MACAddress
    /// Own addresses; with any the port is routed.
    public var addresses: [InterfaceAddress] = []
    /// Bytes of the longest IP packet that leaves here, as long as its queue says nothing else.
    public var mtu = 1500

    public var isRouted: Bool { !addresses.isEmpty }

    public init(
      lif: UInt16, peer: UInt16, miss: MissPolicy, learnedAction: Action, nonSession: NonSessionPolicy,
      mac: MACAddress
    ) {
      self.lif = lif
      self.peer = peer
      self.miss = miss
      self.learnedAction = learnedAction
      self.nonSession = nonSession
      self.mac = mac
    }
  }

  public let workers: Int
  public let capacity: SessionCapacity
  public let mesh: HandoffMesh
  public let counters: [CounterPage]
  public var ports: [Port]
  public var timeouts = Timeouts()
  public var tcpControl = TCPControl.track
  public var neighbors: [Neighbor] = []
  /// Whether ports may be routed, now or after a change.
  public var mayRoute = false
  /// Static routes by routed ports.
  public var routes: [Route] = []
  /// Neighbours that a worker knows at once.
  public static let neighborLimit = 4096
  public var copies = CopyEncapsulation.ethernet
  /// How many fragments are remembered, and by whom.
  public var fragments = FragmentLimits()
  public var fragmentPlacement = FragmentPlacement.receiver
  /// The time at which workers start; sessions added before the first packet begin here.
  public var start = PacketTime.zero
  /// What workers do when nothing comes; of no effect where time comes with packets.
  public var polling = Polling.adaptive(idleNanoseconds: 50_000)
  /// Buffers per worker, for copies and packets that are written to.
  public var poolBuffers = 2 * PacketBurst.capacity
  /// The longest packet that can be copied, in bytes.
  public var packetSize = 9216
  /// The key of all flow hashes.
  package var secret: FlowSecret
  /// By worker: the file of its sessions; empty where they lie in memory alone. What is in them comes back.
  package var shards: [ShardMapping] = []
  /// Shards of another number of workers or capacity: their sessions are taken over into our own.
  package var stored: [ShardMapping] = []

  /// - Parameters:
  ///   - capacity: live sessions over all workers, 1...4 000 000 000.
  ///   - waits: whether a full hand-off ring makes its sender wait; true in replay.
  public init(
    workers: Int, capacity: Int, ports: [Port], waits: Bool,
    generator: inout some RandomNumberGenerator
  ) {
    self.workers = workers
    self.capacity = SessionCapacity(limit: capacity, isShared: workers > 1)
    self.ports = ports
    mesh = HandoffMesh(workers: workers, waits: waits)
    counters = (0..<workers).map { _ in CounterPage() }
    secret = FlowSecret(using: &generator)
  }

  /// Records of one worker's shard: its share and a little more, since hashing does not deal evenly.
  package var recordsPerWorker: UInt32 {
    let limit = min(capacity.limit, 4_000_000_000)
    guard workers > 1 else { return UInt32(limit) }
    let share = (limit + workers - 1) / workers
    // Six standard deviations of the binomial distribution, at most.
    let slack = 6 * Int(Double(share).squareRoot()) + 64
    return UInt32(min(limit, share + slack))
  }

  /// Bytes of all workers' session tables and of their packet buffers. Pages that were never touched take no
  /// memory.
  package var memory: (tables: UInt64, buffers: UInt64) {
    let records = UInt64(recordsPerWorker)
    let table = records * UInt64(FlowTableMemory.bytesPerRecord + 5)
    let buffer = UInt64(packetSize + PacketPool.headroom + PacketPool.tailroom)
    return (UInt64(workers) * table, UInt64(workers * poolBuffers) * buffer)
  }

  /// The worker that owns sessions of `tuple`.
  public func owner(of tuple: FiveTuple) -> Int {
    var addresses6 = FlowAddresses6()
    let key = FlowKey(tuple, secret: secret, addresses6: &addresses6)
    return Int(key.hash.worker(of: UInt32(workers)))
  }
}

/// Why a worker cannot start.
public enum WorkerError: Error, Equatable {
  /// Sessions that lie in files are more than a worker's table has room for.
  case noRoomForStored
  /// The kernel has no address space for the flow table or the packet pool.
  case outOfMemory
  /// A thread could not be started: the errno.
  case thread(Int32)
  /// A thread could not be pinned to its CPU: the errno.
  case pinning(core: Int, Int32)
  /// A thread could not have real-time priority: the errno.
  case scheduling(priority: Int, Int32)
}

/// A worker's own copy of a port: see `WorkerSetup.Port`.
struct WorkerPort: BitwiseCopyable {
  var lif: UInt16
  var peer: UInt16
  var host: UInt16 = 0
  var miss: MissPolicy
  var nonSession: NonSessionPolicy
  var learnedAction: Action
  /// Index of the policy that sessions learned here have.
  var learnedTCP: UInt32
  var learnedUDP: UInt32
  /// Whether sessions learned here name LIFs, and so the packet's VLAN.
  var learnsLIFs = false
  /// Source address of copies that leave here.
  var mac: MACAddress

  static let unconfigured = WorkerPort(
    lif: 0, peer: 0, miss: .drop, nonSession: .drop, learnedAction: .drop, learnedTCP: 0, learnedUDP: 0,
    mac: MACAddress(0))
}

extension WorkerPort {
  /// - Returns: nil, with nothing acquired, when there are too many policies. They are acquired until the
  ///   port goes or changes.
  init?(_ port: WorkerSetup.Port, timeouts: Timeouts, policies: inout SessionPolicyTable) {
    lif = port.lif
    // 0: by the route table.
    peer = port.isRouted ? 0 : port.peer
    host = port.host
    miss = port.miss
    nonSession = port.nonSession
    learnedAction = port.learnedAction
    mac = port.mac
    learnsLIFs = port.learnedLIFs != (.any, .any)
    func learned(_ idle: UInt32, _ handshake: UInt32) -> UInt32? {
      policies.acquire(
        SessionPolicy(
          inLIF: port.learnedLIFs.0, outLIF: port.learnedLIFs.1, action: port.learnedAction, nextHop: nil,
          idle: idle, handshake: handshake, timeouts: timeouts))
    }
    guard let tcp = learned(timeouts.learnedTCP, timeouts.learnedHandshake) else { return nil }
    guard let udp = learned(timeouts.learnedUDP, timeouts.learnedUDP) else {
      policies.release(tcp)
      return nil
    }
    learnedTCP = tcp
    learnedUDP = udp
  }
}
