package import Config
package import Dataplane

/// What a SessionRequest must be to be accepted: the same rules in every generation of the API.
package struct SessionRequestRules: Sendable {
  /// Seconds.
  let cacheMaximum: UInt32
  /// By LIF number: whether a session may name it.
  private let isKnown: [Bool]
  /// For people: the LIF numbers that may be named.
  let acceptedLIFs: String

  package init(_ configuration: Configuration) {
    cacheMaximum = configuration.timeouts.cacheMaximum
    switch configuration.api.lifPolicy {
    case .opaque:
      isKnown = Array(repeating: true, count: 1 << 16)
      acceptedLIFs = "any"
    case .strict:
      var known = Array(repeating: false, count: 1 << 16)
      let numbers = configuration.ports.map(\.lif.number).sorted()
      for number in numbers { known[Int(number)] = true }
      isKnown = known
      acceptedLIFs = Self.list(numbers)
    }
  }

  /// The request that `fields` describe.
  ///
  /// - Throws: the first problem, in the order of the message's fields.
  package func request(
    _ fields: SessionRequestFields, ipv4 encoding: IPv4Encoding
  ) throws(SessionRequestProblem) -> SessionRequest {
    if fields.sessionID >= SessionID.serverBit {
      let isCursor = fields.sessionID >= SessionID.cursorBit
      throw SessionRequestProblem(.sessionID, isCursor ? .isCursor : .isServers, fields.sessionID)
    }
    let inLIF = try lif(fields.inLIF, .inLIF)
    let outLIF = try lif(fields.outLIF, .outLIF)
    let (source, destination) = try addresses(fields, encoding)
    let sourcePort = try port(fields.sourcePort, .sourcePort)
    let destinationPort = try port(fields.destinationPort, .destinationPort)
    let tuple = FiveTuple(
      source: source, sourcePort: sourcePort, destination: destination, destinationPort: destinationPort,
      transport: try transport(fields.protocolID))
    let action = try action(fields)
    let nextHop = action == .mirror || action == .snoop ? try nextHop(fields, encoding) : nil
    guard fields.cacheTimeout <= cacheMaximum else {
      throw SessionRequestProblem(.cacheTimeout, .timeoutTooLong, fields.cacheTimeout)
    }
    return SessionRequest(
      id: SessionID(fields.sessionID), inLIF: inLIF, outLIF: outLIF, tuple: tuple, action: action,
      nextHop: nextHop, cacheTimeout: fields.cacheTimeout)
  }

  /// Decision A14: the low 16 bits are the LIF number, the high 16 bits the VLAN.
  private func lif(_ value: Int32, _ field: RequestField) throws(SessionRequestProblem) -> LIF {
    let lif = LIF(rawValue: UInt32(bitPattern: value))
    guard isKnown[Int(lif.number)] else { throw SessionRequestProblem(field, .unknownLIF, lif.number) }
    guard lif.vlan <= Self.largestVLAN else { throw SessionRequestProblem(field, .badVLAN, lif.vlan) }
    return lif
  }

  private func addresses(
    _ fields: SessionRequestFields, _ encoding: IPv4Encoding
  ) throws(SessionRequestProblem) -> (source: IPAddress, destination: IPAddress) {
    switch fields.ipVersion {
    case 0:
      try expectEmpty(fields.sourceIPv6, .sourceIPv6)
      try expectEmpty(fields.destinationIPv6, .destinationIPv6)
      return (encoding.address(fields.sourceIPv4), encoding.address(fields.destinationIPv4))
    case 1:
      try expectZero(fields.sourceIPv4, .sourceIP)
      try expectZero(fields.destinationIPv4, .destinationIP)
      return (
        try address(fields.sourceIPv6, .sourceIPv6), try address(fields.destinationIPv6, .destinationIPv6)
      )
    default: throw SessionRequestProblem(.ipVersion, .unknownNumber, fields.ipVersion)
    }
  }

  private func expectEmpty(_ bytes: AddressBytes, _ field: RequestField) throws(SessionRequestProblem) {
    guard bytes.isEmpty else { throw SessionRequestProblem(field, .needsIPv6, bytes.count) }
  }

  private func expectZero(_ value: UInt32, _ field: RequestField) throws(SessionRequestProblem) {
    guard value == 0 else { throw SessionRequestProblem(field, .needsIPv4, value) }
  }

  private func address(
    _ bytes: AddressBytes, _ field: RequestField
  ) throws(SessionRequestProblem) -> IPAddress {
    guard bytes.count == AddressBytes.size else {
      throw SessionRequestProblem(field, .badLength, bytes.count)
    }
    return IPAddress(ipv6High: bytes.high, low: bytes.low)
  }

  private func port(_ value: UInt32, _ field: RequestField) throws(SessionRequestProblem) -> UInt16 {
    guard let port = UInt16(exactly: value) else { throw SessionRequestProblem(field, .portTooLarge, value) }
    return port
  }

  /// Decision A20: 0 means that the field was forgotten.
  private func transport(_ number: Int32) throws(SessionRequestProblem) -> SessionProtocol {
    guard number != 0 else { throw SessionRequestProblem(.protocolID, .isMissing) }
    guard let number8 = UInt8(exactly: number), let transport = SessionProtocol(rawValue: number8) else {
      throw SessionRequestProblem(.protocolID, .unknownNumber, number)
    }
    return transport
  }

  /// Decision A3: no action would mean DROP, the worst thing to get by forgetting.
  private func action(_ fields: SessionRequestFields) throws(SessionRequestProblem) -> Action {
    guard fields.hasAction else { throw SessionRequestProblem(.action, .isMissing) }
    guard let number = UInt8(exactly: fields.actionType), let action = Action(rawValue: number) else {
      throw SessionRequestProblem(.actionType, .unknownNumber, fields.actionType)
    }
    return action
  }

  /// Of MIRROR and SNOOP only: decision A15, others may name one, and it says nothing.
  private func nextHop(
    _ fields: SessionRequestFields, _ encoding: IPv4Encoding
  ) throws(SessionRequestProblem) -> IPAddress {
    guard !fields.nextHopIPv6.isEmpty else {
      guard fields.nextHopIPv4 != 0 else { throw SessionRequestProblem(.nextHop, .lacksNextHop) }
      return encoding.address(fields.nextHopIPv4)
    }
    guard fields.nextHopIPv4 == 0 else { throw SessionRequestProblem(.nextHopIPv6, .hasTwoNextHops) }
    let address = try address(fields.nextHopIPv6, .nextHopIPv6)
    guard address.high | address.low != 0 else { throw SessionRequestProblem(.nextHopIPv6, .lacksNextHop) }
    return address
  }

  /// The first sixteen of `numbers`, in words.
  private static func list(_ numbers: [UInt16]) -> String {
    guard !numbers.isEmpty else { return "none, as no ports are configured" }
    let shown = numbers.prefix(16).map { "\($0)" }.joined(separator: ", ")
    return numbers.count > 16 ? shown + ", ..." : shown
  }

  /// IEEE 802.1Q-2018 table 9-2: 4095 is reserved.
  private static let largestVLAN: UInt16 = 4094
}

extension IPv4Encoding {
  /// The address that a uint32 of the API means. Decision A1.
  @inline(__always)
  func address(_ value: UInt32) -> IPAddress {
    switch self {
    case .inetPton: IPAddress(ipv4: value.byteSwapped)
    case .host: IPAddress(ipv4: value)
    }
  }
}
