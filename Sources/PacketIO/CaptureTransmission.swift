import Dataplane

/// Captures on their way out by an interface: read, filtered, paced and repeated as in any replay, and sent.
///
/// Owned by one thread.
package struct CaptureTransmission: ~Copyable {
  /// Nanoseconds between two ticks.
  private static let tick: UInt64 = 200_000_000

  private let progress: ReplayProgress
  private var queue: ReplayQueue
  private var sender: InterfaceSender

  /// - Parameters:
  ///   - sources: opened, and assigned to ports.
  ///   - interface: what sends.
  ///   - progress: `stop()` on it ends the run in good order.
  /// - Throws: when the interface cannot be sent by.
  package init(
    _ sources: ReplaySources, shaping: ReplayShaping, by interface: String, progress: ReplayProgress
  ) throws(LivePortError) {
    sender = try InterfaceSender(interface)
    self.progress = progress
    queue = ReplayQueue(
      sources, worker: 0, mesh: HandoffMesh(workers: 1, waits: true), start: sources.firstTime() ?? .zero,
      progress: progress, shaping: shaping, writer: nil)
  }

  /// Sends everything, or until it is stopped.
  ///
  /// - Parameter onTick: called some times a second, with what has been sent so far.
  /// - Returns: what was sent.
  package mutating func run(onTick: (TransmissionCounts) -> Void) -> TransmissionCounts {
    var burst = PacketBurst()
    var nextTick = WallClock.now + Self.tick
    while true {
      burst.removeAll()
      switch queue.receive(into: &burst) {
      case .packets: sender.send(burst, until: progress.stopSignal)
      case .idle: break
      case .ended: return sender.counts
      }
      let now = WallClock.now
      if now >= nextTick {
        nextTick = now + Self.tick
        onTick(sender.counts)
      }
    }
  }
}
