/// A packet's journey. One worker owns everything it touches: its shard of the flow table, its counters,
/// its buffers; one thread runs it. Live ports, capture replay and benchmarks all run this code, and it
/// cannot tell which (docs/architecture.md, docs/decisions/0001).
///
/// A burst of packets goes through in passes, each one a loop in the file named beside it:
///
///     receive   the queue fills the burst                       PacketQueue
///     parse     headers, 5-tuple, hash; prefetch bucket         Worker+Parse
///     decide    session or policy, tracking, counting; some     Worker+Sessions
///               packets ahead: tags of the bucket; prefetch record
///     rewrite   retagged packets, copies for next hops          Worker+Copies
///     hand off  packets whose session another worker owns       Worker+HandOff
///     transmit  the queue sends; what it refuses is a drop      PacketQueue
///     account   verdicts and drop reasons                       Worker+Accounting
public struct Worker: ~Copyable {
  /// This worker's position among all workers, 0...63.
  public let index: Int
  /// Shared with whoever wants to look; written by this worker only.
  public let counters: CounterPage
  package var sessions: SessionTable

  let workerCount: UInt32
  let tcpControl: TCPControl
  let mesh: HandoffMesh
  let events: SPSCRing<SessionSnapshot>?
  let neighbors: NeighborTable
  let copyEncapsulation: CopyEncapsulation
  var ports: FixedArray<WorkerPort>
  let portCount: Int
  /// The latest time this worker has seen.
  package var time: PacketTime

  /// Per packet of the burst: what sessions need to know, IPv6 addresses where there are any.
  var packets = FixedArray<SessionPacket>(repeating: .empty)
  var addresses6 = FixedArray<FlowAddresses6>(repeating: FlowAddresses6())
  /// Positions in the burst of packets with a 5-tuple that this worker owns, in order.
  var flowPackets = FixedArray<UInt8>(repeating: 0)
  var flowCount = 0
  /// Per packet with a copy request: which neighbour its next hop is.
  var copyHops = FixedArray<UInt32>(repeating: NeighborTable.none)
  var outcome: BurstOutcome
  /// Counted while the burst goes through, published at its end.
  var tally = BurstTally()

  /// - Parameters:
  ///   - events: where ended sessions go; nil when nobody wants them.
  /// - Throws: `WorkerError.outOfMemory` when the kernel has no address space for table or pool.
  public init(_ setup: WorkerSetup, index: Int, events: SessionEvents?) throws(WorkerError) {
    self.index = index
    counters = setup.counters[index]
    workerCount = UInt32(setup.workers)
    tcpControl = setup.tcpControl
    mesh = setup.mesh
    self.events = events?.ring
    neighbors = NeighborTable(setup.neighbors)
    copyEncapsulation = setup.copies
    time = setup.start
    guard
      let table = SessionTable(
        recordCount: setup.recordsPerWorker, worker: UInt32(index), capacity: setup.capacity,
        secret: setup.secret, timeouts: setup.timeouts, isReporting: events != nil, at: setup.start),
      let pool = PacketPool(capacity: setup.poolBuffers, packetSize: setup.packetSize)
    else { throw .outOfMemory }
    sessions = table
    outcome = BurstOutcome(pool: pool)
    ports = FixedArray(repeating: WorkerPort.unconfigured)
    portCount = min(setup.ports.count, WorkerSetup.maxPorts)
    for (position, port) in setup.ports.prefix(WorkerSetup.maxPorts).enumerated() {
      ports[position] = WorkerPort(port, timeouts: setup.timeouts, policies: &sessions.policies)
    }
  }

  /// Takes one burst through: every packet in it ends in exactly one verdict.
  public mutating func take<Queue: PacketQueue & ~Copyable>(
    _ burst: inout PacketBurst, through queue: inout Queue
  ) {
    begin(burst)
    parse(burst)
    decide()
    if outcome.needsRewrite { rewrite(&burst) }
    if tally.handOffs > 0 { handOff(burst) }
    queue.transmit(burst, &outcome)
    account(burst)
  }

  /// Forgets the last burst, and ends the sessions whose time was up before this one.
  private mutating func begin(_ burst: borrowing PacketBurst) {
    outcome.removeAll()
    tally = BurstTally()
    if burst.isEmpty { return }
    advance(to: burst.time(0))
  }

  /// Lets time pass: sessions that were due end, and are reported.
  package mutating func advance(to now: PacketTime) {
    time = max(time, now)
    while sessions.isExpiryDue(at: time) {
      let isDone = sessions.expire(at: time)
      reportEnded()
      if isDone { break }
    }
  }
}
