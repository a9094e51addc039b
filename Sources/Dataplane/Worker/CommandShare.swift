/// How much of a worker's time goes into commands while packets wait: one part in 25, so that sessions may be
/// added as fast as control can, and forwarding keeps its rate. A worker whose bursts are not full has time.
package struct CommandShare {
  /// Time for packets after each time for commands.
  private static let packetsTime: UInt64 = 24
  /// Nanoseconds that commands wait at most: one large batch may take more than the share.
  private static let longestWait: UInt64 = 2_000_000

  /// Whether a burst was full since nothing came the last time: more packets probably wait.
  package var isBusy = false
  private var next = PacketTime.zero

  package init() {}

  /// Whether commands have their turn at `now`; nil on queues without a clock, where they always have.
  package func allows(_ now: PacketTime?) -> Bool {
    guard isBusy, let now else { return true }
    return now >= next
  }

  /// Notes that commands took `spent` nanoseconds from `now` on.
  package mutating func note(_ spent: UInt64, at now: PacketTime?) {
    guard let now else { return }
    next = now.advanced(by: spent &+ min(spent &* Self.packetsTime, Self.longestWait))
  }
}
