import Dataplane

/// Capture time from packet positions, in whole numbers: `packets` of them in `nanoseconds`, unevenly spaced.
struct TrafficPace: Sendable {
  private let packets: UInt64
  private let nanoseconds: UInt64

  /// The options must have been checked.
  init(_ options: TrafficOptions) {
    let second = PacketTime.nanosecondsPerSecond
    switch options.pace {
    case .rate(let rate):
      // Thousandths of packets a second.
      packets = UInt64((rate * 1000).rounded())
      nanoseconds = 1000 * second
    case .duration(let seconds):
      packets = UInt64(options.packets)
      nanoseconds = UInt64((seconds * Double(second)).rounded())
    case .automatic:
      packets = max(UInt64(options.packets), Self.automaticSeconds * 1000)
      nanoseconds = Self.automaticSeconds * second
    }
  }

  /// The time of packet `position`, from 0; `jitter` of 2^16 places it within the interval that is its own.
  func time(_ position: UInt64, jitter: UInt64) -> UInt64 {
    let product = (position << 16 | jitter & 0xFFFF).multipliedFullWidth(by: nanoseconds)
    return (packets << 16).dividingFullWidth(product).quotient
  }

  /// Packets in `seconds`, at least 1.
  func packets(in seconds: UInt64) -> UInt64 {
    let product = (seconds * PacketTime.nanosecondsPerSecond).multipliedFullWidth(by: packets)
    // More than can be counted: as many as one likes.
    guard product.high < nanoseconds else { return .max }
    return max(1, nanoseconds.dividingFullWidth(product).quotient)
  }

  /// Below ``TrafficPlan/idleSeconds``, so that nobody's waiting needs to be watched.
  private static let automaticSeconds: UInt64 = 4
}
