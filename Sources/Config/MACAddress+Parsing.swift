public import Dataplane

extension MACAddress {
  /// Reads six octets of two hex digits, all separated by colons or all by hyphens; nil for anything else.
  public init?(text: String) {
    let bytes = Array(text.utf8.prefix(Self.textLength + 1))
    guard bytes.count == Self.textLength else { return nil }
    let separator = bytes[2]
    guard separator == UInt8(ascii: ":") || separator == UInt8(ascii: "-") else { return nil }
    let octets = bytes.split(separator: separator, omittingEmptySubsequences: false)
    guard octets.count == 6 else { return nil }
    var value: UInt64 = 0
    for octet in octets {
      guard let number = hexadecimal(octet, digits: 2...2) else { return nil }
      value = value << 8 | number
    }
    self.init(value)
  }

  /// Whether the group bit is set: multicast or broadcast. IEEE 802 §8.2.2.
  var isGroup: Bool { value >> 40 & 1 == 1 }

  private static let textLength = 17
}
