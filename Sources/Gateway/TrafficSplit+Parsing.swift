import Config
import Dataplane
public import PacketIO

extension TrafficSplit {
  private static let accepted = "accepted: client-server, mac, mac=MAC[,MAC], or PREFIX[,PREFIX]"

  /// Reads the value of `--split`.
  ///
  /// - Throws: `.usage`, naming the part that is wrong and what would be accepted.
  public init(parsing text: String) throws(ReplayError) {
    switch text {
    case "client-server": self = .clientServer
    case "mac": self = .firstMAC
    case _ where text.hasPrefix(Self.macPrefix):
      self = .macs(
        try Self.list(text.dropFirst(Self.macPrefix.count)) { part throws(ReplayError) in
          guard let address = MACAddress(text: part) else {
            throw Self.refusal(text, "\"\(part)\" is no MAC address such as 02:00:00:00:00:01")
          }
          return address
        })
    default:
      self = .prefixes(
        try Self.list(text[...]) { part throws(ReplayError) in
          guard let prefix = IPPrefix(text: part) else { throw Self.refusal(text, Self.why(part)) }
          return prefix
        })
    }
  }

  private static let macPrefix = "mac="

  private static func list<Element>(
    _ text: Substring, _ read: (String) throws(ReplayError) -> Element
  ) throws(ReplayError) -> [Element] {
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

  private static func refusal(_ text: String, _ why: String) -> ReplayError {
    ReplayError(.usage, "--split \(text): \(why); \(accepted)")
  }
}
