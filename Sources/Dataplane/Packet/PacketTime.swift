/// A point in time as the packet path sees it: nanoseconds, never running backwards on a worker.
///
/// Live ports stamp bursts with the monotonic clock. Replay uses the capture's own time (since the
/// Unix epoch), clamped. docs/decisions/0007.
@frozen public struct PacketTime: Hashable, Comparable, Sendable, BitwiseCopyable {
  public let nanoseconds: UInt64

  @inlinable @inline(__always) public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  public static let zero = PacketTime(nanoseconds: 0)
  public static let nanosecondsPerSecond: UInt64 = 1_000_000_000

  @inlinable @inline(__always) public static func < (left: PacketTime, right: PacketTime) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The time `interval` nanoseconds later; saturates.
  @inline(__always) public func advanced(by interval: UInt64) -> PacketTime {
    let (sum, overflow) = nanoseconds.addingReportingOverflow(interval)
    return PacketTime(nanoseconds: overflow ? .max : sum)
  }
}
