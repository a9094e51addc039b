/// How many ICMP errors may be sent: a bucket that fills with time. RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f).
package struct ErrorLimit: BitwiseCopyable {
  /// Errors at once, and nanoseconds after which there may be one more: 100 a second for each worker.
  package static let burst: UInt64 = 50
  package static let interval: UInt64 = 10_000_000

  /// When the bucket would have been empty, had it been left alone.
  private var empty: UInt64 = 0

  package init() {}

  /// Whether an error may be sent at `now`; it counts then.
  package mutating func takes(_ now: PacketTime) -> Bool {
    let full = Self.burst * Self.interval
    let time = now.nanoseconds &+ full
    empty = max(empty, now.nanoseconds)
    guard empty &+ Self.interval <= time else { return false }
    empty &+= Self.interval
    return true
  }
}
