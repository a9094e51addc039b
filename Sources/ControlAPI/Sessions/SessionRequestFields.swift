/// A SessionRequest as it came: every field of the message, which both packages encode alike; not judged yet.
///
/// Plain bytes, so that a stream of thousands of them costs no allocation each. `SessionRequestRules` judges.
struct SessionRequestFields: Hashable, Sendable, BitwiseCopyable {
  var sessionID: UInt64 = 0
  var inLIF: Int32 = 0
  var outLIF: Int32 = 0
  /// Numbers of enumerations are kept as they came, also those that the proto file has no name for.
  var ipVersion: Int32 = 0
  var protocolID: Int32 = 0
  var sourceIPv4: UInt32 = 0
  var destinationIPv4: UInt32 = 0
  var sourceIPv6 = AddressBytes()
  var destinationIPv6 = AddressBytes()
  var sourcePort: UInt32 = 0
  var destinationPort: UInt32 = 0
  /// Whether there was an `action` message at all.
  var hasAction = false
  var actionType: Int32 = 0
  var nextHopIPv4: UInt32 = 0
  var nextHopIPv6 = AddressBytes()
  /// Seconds.
  var cacheTimeout: UInt32 = 0
}

/// A bytes field that should be an IPv6 address: how long it is, and, when that is 16, the address.
struct AddressBytes: Hashable, Sendable, BitwiseCopyable {
  /// An IPv6 address in bytes, RFC 4291.
  static let size = 16

  /// Bits 127...64 and 63...0 in host order; 0 unless `count` is 16.
  var high: UInt64 = 0
  var low: UInt64 = 0
  /// Bytes of the field.
  var count: UInt32 = 0

  var isEmpty: Bool { count == 0 }

  /// An absent field.
  init() {}

  init(_ bytes: Span<UInt8>) {
    count = UInt32(clamping: bytes.count)
    guard bytes.count == Self.size else { return }
    for index in 0..<8 {
      high = high << 8 | UInt64(bytes[index])
      low = low << 8 | UInt64(bytes[index + 8])
    }
  }
}
