/// An IPv4 or IPv6 address as a value, in host integer order.
public struct IPAddress: Hashable, Sendable, BitwiseCopyable {
  /// The address family, as the IP version field spells it.
  public enum Family: UInt8, Sendable, BitwiseCopyable { case ipv4 = 4, ipv6 = 6 }

  public let family: Family
  /// Bits 127...64 of an IPv6 address; 0 for IPv4.
  public let high: UInt64
  /// Bits 63...0 of an IPv6 address; the 32-bit value of an IPv4 address (10.0.0.1 is 0x0A000001).
  public let low: UInt64

  public init(ipv4 value: UInt32) {
    family = .ipv4
    high = 0
    low = UInt64(value)
  }

  public init(ipv6High high: UInt64, low: UInt64) {
    family = .ipv6
    self.high = high
    self.low = low
  }

  /// The 32-bit value of an IPv4 address; the low 32 bits of an IPv6 one.
  public var ipv4Value: UInt32 { UInt32(truncatingIfNeeded: low) }
}
