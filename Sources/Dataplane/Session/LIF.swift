/// A logical interface and the VLAN on it, as SessionRequest's `inlif` and `outlif` spell them.
///
/// The low 16 bits are the configured LIF number, the high 16 bits the 802.1Q VID (0: untagged).
/// In a session a number of 0 means any LIF; the whole value 0 means any LIF and any VLAN.
public struct LIF: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public let rawValue: UInt32

  @inline(__always) public init(rawValue: UInt32) { self.rawValue = rawValue }

  @inline(__always) public init(number: UInt16, vlan: UInt16 = 0) {
    rawValue = UInt32(vlan) << 16 | UInt32(number)
  }

  /// Any LIF, any VLAN: what learned sessions have in replay.
  public static let any = LIF(rawValue: 0)

  /// The configured LIF number; 0 means any.
  @inline(__always) public var number: UInt16 { UInt16(truncatingIfNeeded: rawValue) }
  /// The 802.1Q VID, 0 for untagged.
  @inline(__always) public var vlan: UInt16 { UInt16(truncatingIfNeeded: rawValue >> 16) }

  /// Whether a packet that arrived on `arrival` (never a wildcard) belongs to a session with this LIF.
  @inline(__always) package func accepts(_ arrival: LIF) -> Bool {
    (arrival.rawValue ^ rawValue) & mask == 0
  }

  /// Whether some arrival LIF would be accepted by both.
  package func overlaps(_ other: LIF) -> Bool {
    (rawValue ^ other.rawValue) & mask & other.mask == 0
  }

  /// The bits that an arrival LIF has to share with this one.
  @inline(__always) package var mask: UInt32 {
    if rawValue == 0 { return 0 }
    return number == 0 ? Self.vlanMask : 0xFFFF_FFFF
  }

  /// The bits of the VLAN.
  package static var vlanMask: UInt32 { 0xFFFF_0000 }

  /// `1`, `1/100` for VLAN 100 on LIF 1, `any`.
  public var description: String {
    if rawValue == 0 { return "any" }
    let name = number == 0 ? "any" : "\(number)"
    return vlan == 0 ? name : "\(name)/\(vlan)"
  }
}
