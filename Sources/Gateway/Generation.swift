import Dataplane
public import PacketIO
public import TrafficGenerator

/// One making of traffic: into a capture, or straight through the packet path.
public final class Generation: Sendable {
  public let plan: TrafficPlan
  /// How far it is; `stop()` on it ends it.
  public let progress: TrafficProgress

  public init(_ plan: TrafficPlan) {
    self.plan = plan
    progress = TrafficProgress(totalPackets: plan.options.packets)
  }

  /// Writes all packets into a classic pcap file at `path`, `-` for standard output.
  ///
  /// A file that is not whole never has that name, and is removed.
  ///
  /// - Parameters:
  ///   - isNanosecond: the timestamps' resolution, else microseconds.
  ///   - onTick: called some times a second.
  /// - Returns: false when it was stopped.
  /// - Throws: `ReplayError`.
  public func write(to path: String, isNanosecond: Bool, onTick: () -> Void) throws(ReplayError) -> Bool {
    let file = try GeneratedFile(path)
    do throws(CaptureError) {
      try write(file, isNanosecond, onTick)
    } catch {
      file.discard()
      throw ReplayError(.failed, "--write \(error.description)")
    }
    guard !progress.isStopped else {
      file.discard()
      return false
    }
    try file.keep()
    return true
  }

  private func write(_ file: GeneratedFile, _ isNanosecond: Bool, _ onTick: () -> Void) throws(CaptureError) {
    let writer = try CaptureWriter(
      path: file.path, linkNumber: 1, isNanosecond: isNanosecond, snapLength: CaptureHeader.largestPacket)
    var stream = TrafficStream(plan)
    let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: plan.frameCapacity, alignment: 64)
    defer { unsafe frame.deallocate() }
    while !progress.isStopped {
      // SAFETY: the buffer lives to the end of this function, and nothing else writes to it.
      var bytes = unsafe MutableRawSpan(_unsafeBytes: frame)
      guard let packet = stream.next(into: &bytes) else { break }
      writer.write(
        bytes.bytes.extracting(first: packet.length), time: packet.time.nanoseconds,
        originalLength: UInt32(packet.length), sequence: stream.packets)
      guard stream.packets.isMultiple(of: Self.tickPackets) else { continue }
      progress.note(packets: stream.packets, bytes: stream.bytes)
      onTick()
      if let error = writer.error { throw error }
    }
    progress.note(packets: stream.packets, bytes: stream.bytes)
    if let error = writer.close() { throw error }
  }

  /// Sends all packets through the packet path, which learns and forwards them.
  ///
  /// - Returns: what the packet path counted; also when it was stopped.
  /// - Throws: `ReplayError` when it cannot begin.
  public func run(workers: Int, onTick: () -> Void) throws(ReplayError) -> ReplaySummary {
    guard (1...64).contains(workers) else {
      throw ReplayError(.usage, "--workers \(workers): accepted: 1...64")
    }
    let group = try start(workers)
    let clock = ContinuousClock()
    let start = clock.now
    group.release()
    while !group.isFinished {
      ControlPause.long()
      onTick()
    }
    group.join()
    let seconds = ((group.endTime ?? clock.now) - start) / .seconds(1)
    return ReplaySummary(group, seconds: seconds, progress: ReplayProgress(totalBytes: 0, stop: StopSignal()))
  }

  /// In words, where the packet path counted something else than was made; empty when all is well.
  public func differences(from summary: ReplaySummary) -> [String] {
    let ends = plan.sessions
    let pairs: [(String, UInt64, UInt64)] = [
      ("packets", progress.packets, summary[.packets]), ("bytes", progress.bytes, summary[.bytes]),
      ("FIN/ACK", ends.finACK, summary[.closedFINACK]), ("RST", ends.reset, summary[.closedRST]),
      ("timeout", ends.timeout, summary[.closedTimeout]), ("live", ends.live, summary[.liveSessions]),
      ("packets made", UInt64(plan.options.packets), progress.packets),
      ("forwarded", progress.packets, summary[.forwarded]),
    ]
    return pairs.filter { $0.1 != $0.2 }.map { "\($0.0) \($0.1) and \($0.2)" }
  }

  private func start(_ workers: Int) throws(ReplayError) -> WorkerGroup {
    var generator = SystemRandomNumberGenerator()
    let port = WorkerSetup.Port(
      lif: 1, peer: 1, miss: .learn, learnedAction: .forward, nonSession: .forward, mac: MACAddress(0))
    var setup = WorkerSetup(
      workers: workers, capacity: plan.options.flows, ports: [port], waits: true, generator: &generator)
    setup.start = plan.start
    let (ready, plan, progress) = (setup, plan, progress)
    do throws(WorkerError) {
      return try WorkerGroup(ready, burstLimit: 64, reportsSessions: false) { index in
        GeneratedQueue(index == 0 ? plan : nil, worker: index, setup: ready, progress: progress)
      }
    } catch {
      guard error == .outOfMemory else {
        throw ReplayError(.failed, error.text(capacity: plan.options.flows))
      }
      throw ReplayError(.failed, "no memory for a table of \(plan.options.flows) sessions: lower --flows")
    }
  }

  private static let tickPackets: UInt64 = 1 << 14
}
