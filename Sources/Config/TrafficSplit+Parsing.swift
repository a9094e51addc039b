internal import Dataplane
public import PacketIO

/// Why a text does not say what it should, and what would be accepted.
public struct TextRefusal: Error, Hashable, Sendable {
  public let message: String
}

extension TrafficSplit {
  static let accepted = "client-server, mac, mac=MAC[,MAC], or PREFIX[,PREFIX]"

  /// Reads a split as options and configurations write it.
  ///
  /// - Throws: the part that is wrong, and what would be accepted.
  public init(text: String) throws(TextRefusal) {
    switch text {
    case "client-server": self = .clientServer
    case "mac": self = .firstMAC
    case _ where text.hasPrefix(Self.macPrefix):
      self = .macs(
        try Self.list(text.dropFirst(Self.macPrefix.count)) { part throws(TextRefusal) in
          guard let address = MACAddress(text: part) else {
            throw Self.refusal("\"\(part)\" is no MAC address such as 02:00:00:00:00:01")
          }
          return address
        })
    default:
      self = .prefixes(
        try Self.list(text[...]) { part throws(TextRefusal) in
          guard let prefix = IPPrefix(text: part) else { throw Self.refusal(Self.why(part)) }
          return prefix
        })
    }
  }

  private static let macPrefix = "mac="

  private static func list<Element>(
    _ text: Substring, _ read: (String) throws(TextRefusal) -> Element
  ) throws(TextRefusal) -> [Element] {
    var elements: [Element] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      elements.append(try read(String(part)))
    }
    return elements
  }

  /// Why a part of a list is no prefix.
  private static func why(_ part: String) -> String {
    let parts = part.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count == 2, let address = IPAddress(text: String(parts[0])), let length = Int(parts[1]),
      let prefix = IPPrefix(address, length: length)
    {
      return "\(address) has bits behind the prefix: write \(prefix.first)/\(prefix.length)"
    }
    return "\"\(part)\" is no address prefix such as 10.0.0.0/8 or 2001:db8::/32"
  }

  private static func refusal(_ why: String) -> TextRefusal {
    TextRefusal(message: "\(why); accepted: \(accepted)")
  }
}
