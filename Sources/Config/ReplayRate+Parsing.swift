public import PacketIO

extension ReplayRate {
  /// Packets a second, with `k` for thousands and `M` for millions: 100000, 10k, 1.5M.
  private static let units: [Character: Double] = ["k": 1e3, "K": 1e3, "M": 1e6]
  /// Packets a second. Below, a packet would be waited for over a day; above, no clock tells them apart.
  private static let range = 0.00001...1e9

  /// What is accepted, in words.
  public static let accepted =
    "max, capture, or packets a second such as 100000, 10k or 1.5M, at most 1000M"

  /// Reads a rate as options and configurations write it; nil when it is not one of `accepted`.
  public init?(text: String) {
    switch text {
    case "max": self = .max
    case "capture": self = .capture
    default:
      let unit = text.last.flatMap { Self.units[$0] }
      let digits = unit == nil ? text[...] : text.dropLast()
      let isPlain = !digits.isEmpty && digits.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") }
      guard isPlain, let number = Double(digits), Self.range.contains(number * (unit ?? 1)) else {
        return nil
      }
      self = .packetsPerSecond(number * (unit ?? 1))
    }
  }
}
