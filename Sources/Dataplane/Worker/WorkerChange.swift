/// What a worker's queue changes together with its worker; a subclass knows what. Immutable for the worker.
open class QueueChange: @unchecked Sendable {
  // SAFETY (@unchecked): subclasses are immutable, or synchronise what is not.
  public init() {}
}

/// Other ports, policies and neighbours for one worker, from a moment between two bursts on.
///
/// In two steps, so that all workers change or none does: `SessionBatch.Operation.prepare` does all that can
/// fail, then `commit` puts it in place or `abandon` lets it go. Sessions stay as they are: they keep the
/// LIFs and the times that they were opened with.
public final class WorkerChange: @unchecked Sendable {
  // SAFETY (@unchecked): immutable but for `router` and `prepared`, which are touched by the worker only.

  /// By place in the workers' list: a place keeps its port as long as the port is there.
  let ports: [(place: Int, port: WorkerSetup.Port)]
  let timeouts: Timeouts
  let tcpControl: TCPControl
  let neighbors: NeighborTable
  let copies: CopyEncapsulation
  /// What its queue does in the same moment.
  let queue: QueueChange?
  fileprivate var router: Router?
  fileprivate var prepared: [(place: Int, port: WorkerPort)] = []

  /// - Parameter ports: places below `WorkerSetup.maxPorts`, each once.
  package init(
    ports: [(place: Int, port: WorkerSetup.Port)], timeouts: Timeouts, tcpControl: TCPControl,
    neighbors: [Neighbor], routes: [Route], copies: CopyEncapsulation, secret: FlowSecret,
    queue: QueueChange?
  ) {
    self.ports = ports
    self.timeouts = timeouts
    self.tcpControl = tcpControl
    self.neighbors = NeighborTable(neighbors)
    self.copies = copies
    self.queue = queue
    router = Router(
      ports, routes: routes, neighbors: neighbors, neighborLimit: WorkerSetup.neighborLimit, secret: secret)
  }
}

extension Worker {
  /// Acquires what the change needs.
  ///
  /// - Returns: false, with nothing acquired, when there are too many policies already.
  mutating func prepare(_ change: WorkerChange) -> Bool {
    for (place, port) in change.ports {
      guard let own = WorkerPort(port, timeouts: change.timeouts, policies: &sessions.policies) else {
        abandon(change)
        return false
      }
      change.prepared.append((place, own))
    }
    return true
  }

  /// Lets go of what `prepare` acquired.
  mutating func abandon(_ change: WorkerChange) {
    for (_, port) in change.prepared { port.release(&sessions.policies) }
    change.prepared = []
  }

  /// Puts the change in place. Packets of a port that is gone are still decided, but nothing is learned from
  /// them any more.
  mutating func commit(_ change: WorkerChange) {
    for place in 0..<portCount where ports[place].isConfigured {
      ports[place].release(&sessions.policies)
      ports[place].retire()
    }
    for (place, port) in change.prepared {
      set(port, at: place)
      portCount = max(portCount, place + 1)
    }
    change.prepared = []
    sessions.timeouts = change.timeouts
    tcpControl = change.tcpControl
    neighbors = change.neighbors
    if var fresh = change.router.take() {
      swap(&router, &fresh)
      router.follow(fresh, now: time)
      router.nextLook = time
    }
    copyEncapsulation = change.copies
    if let queue = change.queue { queueChanges.append(queue) }
  }

  mutating func set(_ port: WorkerPort, at place: Int) {
    ports[place] = port
    peers[place] = Verdict(.forward, outLIF: port.peer).word
  }

  /// Has the queue change what changes with it.
  @inline(never) mutating func passChanges<Queue: PacketQueue & ~Copyable>(to queue: inout Queue) {
    for change in queueChanges { queue.adopt(change) }
    queueChanges = []
  }
}

extension WorkerPort {
  /// Whether it is a port of the configuration, and so has policies acquired.
  var isConfigured: Bool { lif != 0 }

  /// Gives its policies back.
  func release(_ policies: inout SessionPolicyTable) {
    policies.release(learnedTCP)
    policies.release(learnedUDP)
  }

  /// The port is gone; packets that it received may still be on their way.
  mutating func retire() {
    lif = 0
    if miss == .learn { miss = learnedAction == .drop ? .drop : .forward }
  }
}
