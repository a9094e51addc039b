import Config
public import Dataplane
import Synchronization

/// A trace of the next packets through a daemon's workers, from `Daemon.trace` to `Daemon.end`.
public final class JourneyTrace: Sendable {
  /// Which packets.
  public struct Request: Sendable {
    /// Packets whose journeys are told, 1...10,000.
    public var count = 1
    /// The name of the port that they arrive at; nil for all ports.
    public var port: String?
    /// Packets with this session's 5-tuple; nil for all.
    public var session: SessionID?
    /// pcap-filter(7).
    public var filter: String?

    public init() {}
  }

  /// The most packets of one trace.
  public static let mostPackets = 10_000

  /// By worker.
  let traces: [PacketTrace]
  private let ports: PortNames
  private let wallTime: @Sendable (PacketTime) -> UInt64
  private let parts: Mutex<JourneyParts>

  init(
    _ selection: PacketTap.Selection, count: Int, workers: Int, ports: PortNames,
    wallTime: @escaping @Sendable (PacketTime) -> UInt64
  ) {
    traces = (0..<workers).map { _ in PacketTrace(selection, count: count) }
    parts = Mutex(JourneyParts(count: count))
    self.ports = ports
    self.wallTime = wallTime
  }

  /// Passes that nobody took in time.
  public var lost: UInt64 { traces.reduce(0) { $0 + $1.lostCount } }

  /// Takes the journeys that have come to their end since the last time, at most so many passes of each
  /// worker.
  public func take(atMost count: Int, now: PacketTime) -> [Journey] {
    parts.withLock { parts in
      var found: [JourneyParts.Whole] = []
      for trace in traces {
        for _ in 0..<count {
          guard let (pass, bytes) = trace.take() else { break }
          if let whole = parts.add(pass, bytes) { found.append(whole) }
        }
      }
      found += parts.abandoned(at: now)
      return found.map {
        Journey($0.passes, Array($0.bytes), time: wallTime($0.passes.first?.time ?? now), ports: ports)
      }
    }
  }
}

extension Daemon {
  /// Traces at the same time: each has memory for every worker.
  private static let mostTraces = 4

  /// Begins a trace. Whoever began it ends it.
  public func trace(_ request: JourneyTrace.Request) async throws(PacketCapture.Refusal) -> JourneyTrace {
    guard (1...JourneyTrace.mostPackets).contains(request.count) else {
      throw .invalid("count \(request.count): accepted: 1 to \(JourneyTrace.mostPackets)")
    }
    let isAllowed = traces.withLock { count in
      guard count < Self.mostTraces else { return false }
      count += 1
      return true
    }
    guard isAllowed else { throw .tooMany("\(Self.mostTraces) traces run already, which is the limit") }
    var wish = PacketCapture.Request()
    wish.port = request.port
    wish.session = request.session
    wish.filter = request.filter
    let selection: PacketTap.Selection
    do throws(PacketCapture.Refusal) {
      selection = try await self.selection(wish)
    } catch {
      traces.withLock { $0 -= 1 }
      throw error
    }
    let sessions = sessions
    // As they are now, not as they were at the start.
    let configuration = configuration
    let trace = JourneyTrace(
      selection, count: request.count, workers: configuration.workers,
      ports: PortNames(configuration.ports.map { WorkerSetup.Port($0) }, names: configuration.portNames),
      wallTime: { sessions.wallTime($0) })
    await sessions.run(trace.traces.map { .trace($0) })
    return trace
  }

  /// Ends a trace.
  public func end(_ trace: JourneyTrace) async {
    await sessions.run(trace.traces.map { .untrace($0) })
    traces.withLock { $0 -= 1 }
  }
}
