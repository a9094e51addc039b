/// Protocol numbers of the IPv4 protocol and IPv6 next header fields. IANA Protocol Numbers.
public enum IPProtocol {
  public static let hopByHopOptions: UInt8 = 0
  public static let icmp: UInt8 = 1
  public static let tcp: UInt8 = 6
  public static let udp: UInt8 = 17
  public static let routing: UInt8 = 43
  public static let fragment: UInt8 = 44
  public static let gre: UInt8 = 47
  public static let esp: UInt8 = 50
  public static let authentication: UInt8 = 51
  public static let icmpv6: UInt8 = 58
  public static let noNextHeader: UInt8 = 59
  public static let destinationOptions: UInt8 = 60

  /// Whether a protocol is TCP or UDP, in one comparison.
  @inline(__always) static func hasPorts(_ number: UInt8) -> Bool {
    // A product is 0 when a factor is: no branch, since a mix of the two cannot be predicted.
    UInt32(number ^ tcp) &* UInt32(number ^ udp) == 0
  }
}
