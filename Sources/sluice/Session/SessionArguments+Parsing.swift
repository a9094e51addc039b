public import ArgumentParser
import Config
public import Dataplane

/// An address with a port.
struct Endpoint: ExpressibleByArgument {
  let address: IPAddress
  let port: UInt16

  init?(argument: String) {
    guard let colon = argument.lastIndex(of: ":"),
      let port = UInt16(argument[argument.index(after: colon)...])
    else { return nil }
    var host = argument[..<colon]
    let isBracketed = host.first == "[" && host.last == "]"
    if isBracketed { host = host.dropFirst().dropLast() }
    guard let address = IPAddress(text: String(host)), isBracketed == (address.family == .ipv6) else {
      return nil
    }
    (self.address, self.port) = (address, port)
  }
}

extension IPAddress: ExpressibleByArgument {
  public init?(argument: String) { self.init(text: argument) }
}

extension LIF: ExpressibleByArgument {
  /// `1`, or `1/100` for VLAN 100.
  public init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map { UInt16($0) }
    guard let number = parts[0] else { return nil }
    switch parts.count {
    case 1: self.init(number: number)
    case 2:
      guard let vlan = parts[1], vlan <= 4094 else { return nil }
      self.init(number: number, vlan: vlan)
    default: return nil
    }
  }
}

extension Action: ExpressibleByArgument {
  /// The name in lower case.
  var word: String { String(protoName.dropFirst().lowercased()) }

  public init?(argument: String) {
    guard let action = Self.allCases.first(where: { $0.word == argument.lowercased() }) else { return nil }
    self = action
  }

  public static var allValueStrings: [String] { allCases.map(\.word) }
}

extension SessionProtocol: ExpressibleByArgument {
  public init?(argument: String) {
    switch argument.lowercased() {
    case "tcp", "6": self = .tcp
    case "udp", "17": self = .udp
    default: return nil
    }
  }

  public static var allValueStrings: [String] { ["tcp", "udp"] }
}

extension SessionID: ExpressibleByArgument {
  /// 1 and up; 0 is no session, and ids from 2^63 are page cursors.
  public init?(argument: String) {
    guard let number = UInt64(argument), number > 0, number < Self.cursorBit else { return nil }
    self.init(number)
  }
}
