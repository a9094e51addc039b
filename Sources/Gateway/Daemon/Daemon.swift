public import Config
public import Dataplane
internal import PacketIO

/// The running dataplane of `sluice run`: workers, ports, sessions. Always in monotonic time, whatever feeds
/// its ports (design: time).
public final class Daemon: Sendable {
  /// What it runs by now.
  public var configuration: Configuration { runtime.configuration }
  public let sessions: SessionService
  /// Nanoseconds since the Unix epoch, UTC, when it started.
  public let startTime: UInt64

  /// One worker, for `show workers`.
  public struct WorkerReport: Sendable {
    public var index: Int
    /// The CPU it is pinned to; nil when the scheduler chooses.
    public var core: Int?
    /// The NUMA node of that CPU.
    public var node: Int?
    /// `busy` or `adaptive`.
    public var polling: String
    /// `other`, or `fifo` and the priority.
    public var scheduler: String
    /// Which node its memory comes from, or why none was chosen.
    public var memory: String
    /// Counters by name, in a fixed order.
    public var counters: [(name: String, value: UInt64)]
    /// CPU time of its thread in nanoseconds, the part of it for applying commands, and how many it applied.
    public var cpuNanoseconds: UInt64
    public var commandNanoseconds: UInt64
    public var commands: UInt64
  }

  /// One port, for `show ports`.
  public struct PortReport: Sendable {
    public enum Kind: String, Sendable {
      case capture, memory, tap, none
      case afPacket = "af_packet"
      case afXDP = "af_xdp"
    }
    public var name: String
    public var lif: UInt16
    public var peer: UInt16
    /// The name of the port that punted packets go to; nil for none.
    public var host: String?
    public var kind: Kind
    /// The capture's path, what traffic it is, or the interface's name.
    public var source: String
    /// How a live port is on its interface: `ring v2`, `ring v3`, `native`, `generic`; empty for others.
    public var attachment: String
    public var receivedPackets: UInt64
    public var receivedBytes: UInt64
    public var transmittedPackets: UInt64
    public var transmittedBytes: UInt64
    public var miss: String
    public var nonSession: String
    /// What else was counted on a live port, by name; only what occurred.
    public var events: [(name: String, count: UInt64)]
    /// Whether it still receives.
    public var isReceiving: Bool
    /// Why not, when something went wrong.
    public var error: String?
  }

  /// A drop reason that was counted.
  public struct DropReport: Sendable {
    public var reason: DropReason
    public var packets: UInt64
    /// The ports by which they came, those with most first.
    public var ports: [(name: String, packets: UInt64)]
  }

  public struct MemoryReport: Sendable {
    public var residentBytes: UInt64
    public var tableBytes: UInt64
    /// Whether 2 MB pages back the tables.
    public var hasHugePages: Bool
    public var poolBytes: UInt64
    public var closedRetainedBytes: UInt64
  }

  let runtime: DaemonRuntime
  /// Told of what it runs by after each change.
  let observers = Guarded([@Sendable (Configuration) -> Void]())
  private let isStopped = Guarded(false)
  /// Captures and traces that run.
  let captures = Guarded(0)
  let traces = Guarded(0)

  /// Opens the ports and checks the configuration; nothing runs yet.
  ///
  /// - Parameter beforeThreads: is called when all is open and no thread was started.
  public init(
    _ configuration: Configuration, beforeThreads: () throws(DaemonError) -> Void = {}
  ) throws(DaemonError) {
    runtime = try DaemonRuntime(configuration, reportsSessions: true, beforeThreads: beforeThreads)
    startTime = runtime.clock.wallTime(runtime.clock.now)
    do throws(WorkerError) {
      sessions = try SessionService(
        runtime.group, closedRetention: configuration.closedRetention,
        reportsDeleted: configuration.api.reportsDeleted, clock: runtime.clock)
    } catch {
      throw DaemonError(status: 1, message: "the session service has no thread to run on: \(error)")
    }
    try runtime.addConfigured()
  }

  /// Starts the workers. Sessions of the configuration are there before the first packet.
  public func start() throws(DaemonError) { try runtime.start() }

  /// Ends everything in good order: what was received gets its verdict; returns when all threads have ended,
  /// within a second.
  public func stop() {
    let isFirst = isStopped.withLock { stopped in
      defer { stopped = true }
      return !stopped
    }
    guard isFirst else { return }
    runtime.signalStop()
    // Workers report what they close to the end, so the session service goes on until they have ended.
    while !runtime.group.isFinished { ControlPause.short() }
    sessions.stop()
    runtime.join()
  }

  deinit { stop() }

  /// Looks after what workers cannot mend by themselves; to be called a few times a second.
  public func lookAfterPorts() { runtime.reopenOrphans() }

  /// A worker or port failed so that the daemon cannot go on; nil while all is well.
  public var failure: String? { runtime.failure }

  /// What came back from an earlier process, or why nothing did, in words; nil without `warm_restart`.
  public var warmRestart: String? { runtime.warmRestart }

  /// What is less good than it could be, in words, each said once at the start.
  public var warnings: [String] { runtime.warnings }

  public func workers() -> [WorkerReport] { runtime.workers() }
  public func ports() -> [PortReport] { runtime.portReports() }
  /// Only reasons that occurred, most frequent first.
  public func drops() -> [DropReport] { runtime.drops() }
  public func memory() -> MemoryReport { runtime.memory(retained: sessions.closedStatus.retained) }
  /// The sum of a counter over all workers.
  public func total(_ counter: Counter) -> UInt64 { runtime.group.total(counter) }
}

/// Why the daemon cannot start; the message says what to change.
public struct DaemonError: Error {
  /// 1 refused or failed, 2 bad configuration.
  public let status: Int32
  public let message: String
  /// The field of the configuration that it is about, as `ports[1].interface`; empty when it is of none.
  public var field = ""

  init(status: Int32, message: String, field: String = "") {
    self.status = status
    self.message = message
    self.field = field
  }
}
