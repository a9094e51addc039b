public import Dataplane

extension IPAddress {
  /// Reads dotted decimal or the IPv6 text of RFC 4291 §2.2; nil for anything else.
  ///
  /// As strict as `inet_pton`: no leading zeros, no short IPv4 forms, no zone, no brackets, no prefix.
  public init?(text: String) {
    let bytes = Array(text.utf8.prefix(Self.longestText + 1))
    guard bytes.count <= Self.longestText else { return nil }
    if let value = Self.dottedDecimal(bytes[...]) {
      self.init(ipv4: value)
    } else if let groups = Self.groups(of: bytes[...]) {
      let words = groups.map(UInt64.init)
      self.init(
        ipv6High: words[0] << 48 | words[1] << 32 | words[2] << 16 | words[3],
        low: words[4] << 48 | words[5] << 32 | words[6] << 16 | words[7])
    } else {
      return nil
    }
  }

  private static func dottedDecimal(_ text: ArraySlice<UInt8>) -> UInt32? {
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var value: UInt32 = 0
    for part in parts {
      guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else {
        return nil
      }
      var octet: UInt32 = 0
      for digit in part {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
        octet = octet * 10 + UInt32(digit - UInt8(ascii: "0"))
      }
      guard octet <= 255 else { return nil }
      value = value << 8 | octet
    }
    return value
  }

  /// The eight groups, with a `::` filled in.
  private static func groups(of text: ArraySlice<UInt8>) -> [UInt16]? {
    guard let gap = firstGap(in: text) else {
      guard let all = plainGroups(text), all.count == 8 else { return nil }
      return all
    }
    let head = text[..<gap]
    let tail = text[(gap + 2)...]
    guard let front = head.isEmpty ? [] : plainGroups(head, mayEndInIPv4: false),
      let back = tail.isEmpty ? [] : plainGroups(tail), front.count + back.count <= 7
    else { return nil }
    return front + Array(repeating: 0, count: 8 - front.count - back.count) + back
  }

  private static func firstGap(in text: ArraySlice<UInt8>) -> Int? {
    zip(text.indices, text.indices.dropFirst()).first { left, right in
      text[left] == UInt8(ascii: ":") && text[right] == UInt8(ascii: ":")
    }?.0
  }

  /// Groups of one to four hex digits between single colons; the last may be dotted decimal.
  private static func plainGroups(_ text: ArraySlice<UInt8>, mayEndInIPv4: Bool = true) -> [UInt16]? {
    let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count <= 8 else { return nil }
    var groups: [UInt16] = []
    for (index, part) in parts.enumerated() {
      if mayEndInIPv4, index == parts.count - 1, let value = dottedDecimal(part) {
        groups += [UInt16(value >> 16), UInt16(truncatingIfNeeded: value)]
      } else if let group = hexadecimal(part, digits: 1...4) {
        groups.append(UInt16(group))
      } else {
        return nil
      }
    }
    return groups
  }

  /// `INET6_ADDRSTRLEN` less its terminator: eight groups, the last two as dotted decimal.
  private static let longestText = 45
}

/// The value of a run of hex digits, nil if it is none or has another number of digits.
func hexadecimal(_ text: some Collection<UInt8>, digits: ClosedRange<Int>) -> UInt64? {
  guard digits.contains(text.count) else { return nil }
  var value: UInt64 = 0
  for character in text {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(character - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"):
      value = value << 4 | UInt64(character - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"):
      value = value << 4 | UInt64(character - UInt8(ascii: "A") + 10)
    default: return nil
    }
  }
  return value
}
