internal import Dataplane
internal import Yams

/// The `action` of a session entry: a mapping as in the API, or the bare action's name.
struct SessionActionField {
  /// What is done with the packets.
  let action: Action
  /// For MIRROR and SNOOP only.
  let nextHop: IPAddress?

  /// Reports an absent action too: the API's default would be DROP, the worst thing to get by forgetting.
  static func parse(_ entry: MappingReader, _ problems: inout ProblemList) -> SessionActionField? {
    guard let node = entry.node("action") else {
      entry.require("action", accepted: words, &problems)
      return nil
    }
    if case .scalar = node {
      guard let action = entry.choice("action", among: choices, isProtoName: true, &problems) else {
        return nil
      }
      guard !action.needsNextHop else {
        entry.refuse(
          "action", "\(action.word) needs a next hop: { actiontype: \(action.word), actionnexthop: ADDRESS }",
          &problems)
        return nil
      }
      return SessionActionField(action: action, nextHop: nil)
    }
    guard let fields = MappingReader(node, entry.path(of: "action"), keys: keys, problems: &problems) else {
      return nil
    }
    return parse(mapping: fields, &problems)
  }

  private static func parse(mapping fields: MappingReader, _ problems: inout ProblemList)
    -> SessionActionField?
  {
    fields.require("actiontype", accepted: words, &problems)
    guard let action = fields.choice("actiontype", among: choices, isProtoName: true, &problems) else {
      return nil
    }
    // Every known client of the API sends a next hop with FORWARD too: it says nothing there.
    guard action.needsNextHop else { return SessionActionField(action: action, nextHop: nil) }
    if fields.has("actionnexthop"), fields.has("actionnexthopv6") {
      fields.refuse("actionnexthopv6", "is given beside actionnexthop; keep one of them", &problems)
      return nil
    }
    let nextHop: IPAddress?
    if fields.has("actionnexthopv6") {
      nextHop = fields.address("actionnexthopv6", family: .ipv6, &problems)
    } else {
      fields.require("actionnexthop", accepted: "the address that \(action.word) copies go to", &problems)
      nextHop = fields.address("actionnexthop", &problems)
    }
    return nextHop.map { SessionActionField(action: action, nextHop: $0) }
  }

  private static let keys = ["actiontype", "actionnexthop", "actionnexthopv6"]
  private static let choices = Action.allCases.map { ($0.word, $0) }
  private static let words = Action.allCases.map(\.word).joined(separator: ", ")
}

extension Action {
  /// The proto name without its underscore.
  fileprivate var word: String { String(protoName.dropFirst()) }

  fileprivate var needsNextHop: Bool { self == .mirror || self == .snoop }
}
