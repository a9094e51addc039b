/// A packet's journey. One worker owns everything it touches: its shard of the flow table, its counters,
/// its buffers; one thread runs it. Live ports, capture replay and benchmarks all run this code, and it
/// cannot tell which (docs/architecture.md, docs/decisions/0001).
///
/// A burst of packets goes through in passes, each one a loop in the file named beside it:
///
///     receive   the queue fills the burst                       PacketQueue
///     parse     headers, 5-tuple, hash; prefetch bucket         Worker+Parse, Worker+ParseOrdinary,
///                                                               Worker+Describe
///     screen    with routed ports only: what is for us, and    Worker+Screen
///               what nobody may forward, ends here
///     decide    ordinary packets: some ahead, tags of the       FlowBurst, FlowFastPath
///               bucket, prefetch record; then count, forward
///               others: session or policy, tracking             Worker+Sessions
///     rewrite   retagged packets, copies for next hops          Worker+Copies
///     route     with routed ports only: next hops, TTL, MTU     Worker+Route
///     hand off  packets whose session another worker owns       Worker+HandOff
///     transmit  the queue sends; what it refuses is a drop      PacketQueue
///     show      what became of the burst, while somebody       PacketTap, Worker+Trace
///               captures or traces
///     account   verdicts and drop reasons                       Worker+Accounting
///
/// Where a first fragment lets go of later ones that waited, the burst is cut behind it: they come next, and
/// what was behind it after them (Worker+Fragments).
public struct Worker: ~Copyable {
  /// This worker's position among all workers, 0...63.
  public let index: Int
  /// Shared with whoever wants to look; written by this worker only.
  public let counters: CounterPage
  package var sessions: SessionTable

  let workerCount: UInt32
  var tcpControl: TCPControl
  let mesh: HandoffMesh
  let events: SessionEvents?
  var neighbors: NeighborTable
  /// Of ports that own addresses.
  var router: Router
  var copyEncapsulation: CopyEncapsulation
  var ports: FixedArray<WorkerPort>
  /// Places of `ports` that are, or were, in use.
  var portCount: Int
  /// The latest time this worker has seen.
  package var time: PacketTime

  /// By port: the verdict (`Verdict.word`) on ordinary packets whose session names no LIF to leave by.
  var peers = FixedArray<UInt64>(repeating: Verdict(.forward).word)
  /// What the parse pass leaves for the decide pass.
  var flows = FlowBurst()
  /// Per packet with a copy request: its next hop.
  var copyHops = FixedArray<IPAddress?>(repeating: nil)
  /// Datagrams in fragments, and what of them waits; which worker keeps them.
  var fragments: FragmentCache
  let placement: FragmentPlacement
  /// Per packet: what a fragment follows, and the buffer that it waited in. All blank unless `hasFates`.
  var fates = FixedArray<FragmentFate>(repeating: FragmentFate(.unknown))
  var heldSlots = FixedArray<UInt32>(repeating: Slot.none)
  var hasFates = false
  /// Packets of the burst that the present pass takes; what is behind goes to `deferred`.
  var passEnd = 0
  var deferred: DeferredPackets
  var outcome: BurstOutcome
  /// Captures and traces that look on; the packet of the pass that is traced.
  var taps: [PacketTap] = []
  /// For them: the burst's packets as they arrived.
  var arrivals = PacketBurst(limit: PacketBurst.capacity)
  var traces: [PacketTrace] = []
  var isTraced = false
  var traced: TracedPacket?
  /// What the queue has yet to do of changes that are in place.
  var queueChanges: [QueueChange] = []
  /// Counted while the burst goes through, published at its end.
  var tally = BurstTally()

  /// - Parameters:
  ///   - events: where ended sessions go; nil when nobody wants them.
  /// - Throws: `WorkerError.outOfMemory` when the kernel has no address space for table or pool,
  ///   `.noRoomForStored` when sessions of files find none.
  public init(_ setup: WorkerSetup, index: Int, events: SessionEvents?) throws(WorkerError) {
    self.index = index
    counters = setup.counters[index]
    workerCount = UInt32(setup.workers)
    tcpControl = setup.tcpControl
    mesh = setup.mesh
    self.events = events
    neighbors = NeighborTable(setup.neighbors)
    router = Router(setup, worker: index)
    copyEncapsulation = setup.copies
    time = setup.start
    placement = setup.fragmentPlacement
    let isKeeperOfAll = setup.fragmentPlacement == .receiver
    let limits = isKeeperOfAll ? setup.fragments : setup.fragments.share(of: setup.workers)
    // Not behind ||, whose right side is a closure: one that reads a value like this before all are there has
    // the compiler (Swift 6.3) free others that are not.
    let isRouting = router.isActive
    let buffers = setup.poolBuffers + (isRouting || setup.mayRoute ? Router.buffers : 0)
    let table = try SessionTable.restored(setup, worker: index, isReporting: events != nil)
    guard let fragments = FragmentCache(limits),
      let pool = PacketPool(capacity: buffers, packetSize: setup.packetSize)
    else { throw .outOfMemory }
    self.fragments = fragments
    deferred = DeferredPackets(capacity: PacketBurst.capacity + limits.held)
    sessions = table
    outcome = BurstOutcome(pool: pool)
    ports = FixedArray(repeating: WorkerPort.unconfigured)
    portCount = min(setup.ports.count, WorkerSetup.maxPorts)
    for (position, port) in setup.ports.prefix(WorkerSetup.maxPorts).enumerated() {
      // A fresh table has room for two policies a port.
      let own = WorkerPort(port, timeouts: setup.timeouts, policies: &sessions.policies)
      set(own ?? .unconfigured, at: position)
    }
  }

  /// The session table's memory, which lives as long as the worker.
  package var tablePages: [PageRange] { sessions.flows.memory.commonPages }

  /// What came back from files.
  package var restored: RestoreCounts { sessions.restored }

  /// Takes one burst through: every packet in it ends in exactly one verdict.
  public mutating func take<Queue: PacketQueue & ~Copyable>(
    _ burst: inout PacketBurst, through queue: inout Queue
  ) {
    pass(&burst, through: &queue)
    while !deferred.isEmpty {
      resume(&burst)
      pass(&burst, through: &queue)
    }
  }

  /// The whole burst; or, where fragments that waited come in between, a part of it.
  private mutating func pass<Queue: PacketQueue & ~Copyable>(
    _ burst: inout PacketBurst, through queue: inout Queue
  ) {
    if fragments.count > 0 { expireFragments(&burst) }
    if !traces.isEmpty { isolate(&burst) }
    begin(burst)
    parse(burst)
    if passEnd < burst.count || fragments.held.releasedCount > 0 { cut(&burst, at: passEnd) }
    if router.isActive {
      // Hosts of links that are gone are known to nothing that follows.
      if router.linkMoves != queue.linkMoves { lookAtLinks(queue) }
      screen(burst)
    }
    if isTraced { decideTraced(burst) } else { decide() }
    if !taps.isEmpty { noteArrivals(burst) }
    if outcome.needsRewrite { rewrite(&burst) }
    if router.isActive { route(&burst, queue) }
    if tally.handOffs > 0 { handOff(burst) }
    queue.transmit(burst, &outcome)
    if !taps.isEmpty { show(burst) }
    if isTraced { showTraced() }
    account(burst)
    if hasFates { forgetFates(burst) }
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
      // While nobody takes reports, what is over stays until it is hit.
      if isDone || sessions.ended.isNearlyFull { break }
    }
  }
}
