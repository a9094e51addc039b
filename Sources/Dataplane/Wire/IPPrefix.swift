/// A range of addresses that begin alike: an address and how many of its leading bits count. RFC 4632 §3.1,
/// RFC 4291 §2.3.
public struct IPPrefix: Hashable, Sendable, BitwiseCopyable {
  /// The first address of the range.
  public let first: IPAddress
  /// Leading bits that are alike, 0...32 for IPv4, 0...128 for IPv6.
  public let length: Int

  private let highMask: UInt64
  private let lowMask: UInt64

  /// - Returns: nil for a length out of its range.
  /// - Parameter address: any address of the range; bits behind the prefix are cleared.
  public init?(_ address: IPAddress, length: Int) {
    let width = address.family == .ipv4 ? 32 : 128
    guard (0...width).contains(length) else { return nil }
    self.length = length
    if address.family == .ipv4 {
      highMask = 0
      lowMask = UInt64(UInt32.max << UInt32(32 - length))
      first = IPAddress(ipv4: address.ipv4Value & UInt32(truncatingIfNeeded: lowMask))
    } else {
      // A shift by the whole width gives 0.
      highMask = UInt64.max << UInt64(max(64 - length, 0))
      lowMask = UInt64.max << UInt64(min(128 - length, 64))
      first = IPAddress(ipv6High: address.high & highMask, low: address.low & lowMask)
    }
  }

  /// Whether `address` is of the same family and in the range.
  public func contains(_ address: IPAddress) -> Bool {
    address.family == first.family && address.high & highMask == first.high
      && address.low & lowMask == first.low
  }
}
