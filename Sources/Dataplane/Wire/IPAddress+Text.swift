extension IPAddress: CustomStringConvertible {
  /// Dotted decimal, or the canonical IPv6 text of RFC 5952 §4.
  public var description: String {
    switch family {
    case .ipv4: dottedDecimal
    case .ipv6: compressedHex
    }
  }

  private var dottedDecimal: String {
    "\(low >> 24 & 0xFF).\(low >> 16 & 0xFF).\(low >> 8 & 0xFF).\(low & 0xFF)"
  }

  private var compressedHex: String {
    if high == 0, low >> 32 == 0xFFFF { return "::ffff:" + dottedDecimal }  // RFC 5952 §5
    let groups = (0..<8).map { index in
      UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - 16 * (index & 3)))
    }
    guard let zeros = Self.longestZeroRun(in: groups) else { return Self.hex(groups[...]) }
    return Self.hex(groups[..<zeros.lowerBound]) + "::" + Self.hex(groups[zeros.upperBound...])
  }

  /// The first longest run of two or more zero groups, which "::" stands for.
  private static func longestZeroRun(in groups: [UInt16]) -> Range<Int>? {
    var best = 0..<0
    var start = 0
    for index in 0...groups.count where index == groups.count || groups[index] != 0 {
      if index - start > best.count { best = start..<index }
      start = index + 1
    }
    return best.count >= 2 ? best : nil
  }

  private static func hex(_ groups: ArraySlice<UInt16>) -> String {
    groups.map { String($0, radix: 16) }.joined(separator: ":")
  }
}
