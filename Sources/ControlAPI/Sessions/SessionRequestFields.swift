/// A SessionRequest as it came: every field of the message, which both packages encode alike; not judged yet.
///
/// Plain bytes, so that a stream of thousands of them costs no allocation each. `SessionRequestRules` judges.
package struct SessionRequestFields: Hashable, Sendable, BitwiseCopyable {
  package var sessionID: UInt64 = 0
  package var inLIF: Int32 = 0
  package var outLIF: Int32 = 0
  /// Numbers of enumerations are kept as they came, also those that the proto file has no name for.
  package var ipVersion: Int32 = 0
  package var protocolID: Int32 = 0
  package var sourceIPv4: UInt32 = 0
  package var destinationIPv4: UInt32 = 0
  package var sourceIPv6 = AddressBytes()
  package var destinationIPv6 = AddressBytes()
  package var sourcePort: UInt32 = 0
  package var destinationPort: UInt32 = 0
  /// Whether there was an `action` message at all.
  package var hasAction = false
  package var actionType: Int32 = 0
  package var nextHopIPv4: UInt32 = 0
  package var nextHopIPv6 = AddressBytes()
  /// Seconds.
  package var cacheTimeout: UInt32 = 0

  package init() {}
}

/// A bytes field that should be an IPv6 address: how long it is, and, when that is 16, the address.
package struct AddressBytes: Hashable, Sendable, BitwiseCopyable {
  /// An IPv6 address in bytes, RFC 4291.
  package static let size = 16

  /// Bits 127...64 and 63...0 in host order; 0 unless `count` is 16.
  package var high: UInt64 = 0
  package var low: UInt64 = 0
  /// Bytes of the field.
  package var count: UInt32 = 0

  package var isEmpty: Bool { count == 0 }

  /// An absent field.
  package init() {}

  package init(_ bytes: Span<UInt8>) {
    count = UInt32(clamping: bytes.count)
    guard bytes.count == Self.size else { return }
    for index in 0..<8 {
      high = high << 8 | UInt64(bytes[index])
      low = low << 8 | UInt64(bytes[index + 8])
    }
  }
}
