/// The Internet checksum. RFC 1071; incremental update RFC 1624.
///
/// Sums 16-bit big-endian words in one's complement, at any alignment.
public struct Checksum: BitwiseCopyable, Sendable {
  /// The sum so far, not folded. Each addition is at most 0xFFFF, so it cannot overflow.
  private var sum: UInt64 = 0

  public init() {}

  /// The checksum of `bytes` alone.
  public static func of(_ bytes: RawSpan) -> UInt16 {
    var checksum = Checksum()
    checksum.add(bytes)
    return checksum.value
  }

  /// The complement of the sum, as a number to store big-endian; 0 over bytes that contain a right checksum.
  public var value: UInt16 { ~Self.fold(sum) }

  /// Adds `bytes`, which start at an even position of what is summed. An odd last byte is padded with a zero.
  public mutating func add(_ bytes: RawSpan) {
    // Words are summed as this machine loads them and the sum swapped once. RFC 1071 §2 (B).
    var native: UInt64 = 0
    var offset = 0
    let count = bytes.byteCount
    while count - offset >= 8 {
      let (partial, carry) = native.addingReportingOverflow(bytes.loadNative(at: offset, as: UInt64.self))
      native = partial &+ (carry ? 1 : 0)
      offset += 8
    }
    var tail: UInt64 = 0
    while count - offset >= 2 {
      tail += UInt64(bytes.loadNative(at: offset, as: UInt16.self))
      offset += 2
    }
    if offset < count { tail += UInt64((UInt16(bytes.loadByte(at: offset)) << 8).bigEndian) }
    let folded = UInt64(Self.fold(native)) + UInt64(Self.fold(tail))
    sum += UInt64(UInt16(bigEndian: Self.fold(folded)))
  }

  /// Adds one word, given as a number.
  public mutating func add(_ word: UInt16) { sum += UInt64(word) }

  /// Adds the pseudo header of a transport of `length` bytes. RFC 9293 §3.1, RFC 8200 §8.1.
  public mutating func addPseudoHeader(
    source: IPAddress, destination: IPAddress, protocolNumber: UInt8, length: Int
  ) {
    add(source)
    add(destination)
    sum += UInt64(protocolNumber)
    sum += UInt64(Self.fold(UInt64(UInt32(truncatingIfNeeded: length))))
  }

  private mutating func add(_ address: IPAddress) {
    sum += UInt64(Self.fold(address.high)) + UInt64(Self.fold(address.low))
  }

  /// The checksum after one word changed from `old` to `new`: HC' = ~(~HC + ~m + m'). RFC 1624 §3 eqn 3.
  ///
  /// Like a fresh sum it never turns a header's 0x0000 into 0xFFFF. A UDP checksum of 0 (none) must not be
  /// adjusted.
  @inline(__always)
  public static func adjusted(_ checksum: UInt16, from old: UInt16, to new: UInt16) -> UInt16 {
    ~fold(UInt64(~checksum) + UInt64(~old) + UInt64(new))
  }

  /// One's complement sum of the four 16-bit words of `value`.
  @inline(__always)
  private static func fold(_ value: UInt64) -> UInt16 {
    var sum = (value & 0xFFFF_FFFF) + value >> 32
    sum = (sum & 0xFFFF) + (sum >> 16 & 0xFFFF) + sum >> 32
    sum = (sum & 0xFFFF) + sum >> 16
    sum = (sum & 0xFFFF) + sum >> 16
    return UInt16(truncatingIfNeeded: sum)
  }
}
