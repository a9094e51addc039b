/// A 48-bit Ethernet address. IEEE 802.
public struct MACAddress: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The address as an integer, first octet on the wire in bits 47...40. Bits above 47 are 0.
  public let value: UInt64

  /// Takes the low 48 bits of `value`.
  public init(_ value: UInt64) { self.value = value & 0xFFFF_FFFF_FFFF }

  /// Lower-case octets with colons: `02:00:00:00:00:01`.
  public var description: String {
    stride(from: 40, through: 0, by: -8).map { shift in
      let octet = String(value >> UInt64(shift) & 0xFF, radix: 16)
      return octet.count == 1 ? "0" + octet : octet
    }.joined(separator: ":")
  }
}
