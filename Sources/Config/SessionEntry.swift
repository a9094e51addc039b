internal import Dataplane
internal import Yams

/// One entry of a `sessions:` list: the fields of the API's SessionRequest with readable addresses.
///
/// The fields mean what they mean in the API; docs/configuration.md is the reference.
struct SessionEntry {
  /// What entries are checked against beside themselves.
  struct Rules {
    /// The largest cachetimeout accepted, in seconds.
    var cacheMaximum: UInt32
    /// The configured LIF numbers; nil if any may be used.
    var knownLIFs: Set<UInt16>?
  }

  private let fields: MappingReader
  private let rules: Rules

  /// The request that `node` describes, nil if it is none; wrong fields are reported one by one.
  static func parse(
    _ node: Node, _ path: FieldPath, rules: Rules, problems: inout ProblemList
  ) -> SessionRequest? {
    guard let fields = MappingReader(node, path, keys: keys, problems: &problems) else { return nil }
    return SessionEntry(fields: fields, rules: rules).request(&problems)
  }

  private func request(_ problems: inout ProblemList) -> SessionRequest? {
    let id: UInt64 = fields.integer("session_id", in: 0...(SessionID.serverBit - 1), &problems) ?? 0
    let inLIF = lif("inlif", vlan: "invlan", &problems)
    let outLIF = lif("outlif", vlan: "outvlan", &problems)
    let tuple = tuple(&problems)
    let action = SessionActionField.parse(fields, &problems)
    let timeout: UInt32? = fields.integer("cachetimeout", in: 0...rules.cacheMaximum, &problems)
    guard let tuple, let action else { return nil }
    return SessionRequest(
      id: SessionID(id), inLIF: inLIF, outLIF: outLIF, tuple: tuple, action: action.action,
      nextHop: action.nextHop, cacheTimeout: timeout ?? 0)
  }

  // MARK: LIFs

  /// The low 16 bits of `key` are the LIF number, the high 16 bits or `vlanKey` the VLAN.
  private func lif(_ key: String, vlan vlanKey: String, _ problems: inout ProblemList) -> LIF {
    let whole = LIF(rawValue: fields.integer(key, in: 0...UInt32.max, &problems) ?? 0)
    let vlan: UInt16? = fields.integer(vlanKey, in: 0...VLAN.largest, &problems)
    if whole.vlan > VLAN.largest {
      fields.refuse(
        key, "VLAN \(whole.vlan) in the high 16 bits is out of range; accepted: 0...\(VLAN.largest)",
        &problems)
    } else if let vlan, whole.vlan != 0, vlan != whole.vlan {
      fields.refuse(
        vlanKey, "\(vlan) contradicts VLAN \(whole.vlan) in the high 16 bits of \(key); keep one of them",
        &problems)
    }
    if whole.number != 0, let known = rules.knownLIFs, !known.contains(whole.number) {
      let accepted = describe(known)
      fields.refuse(
        key, "LIF \(whole.number) is not configured; accepted: 0 (any), \(accepted)", &problems)
    }
    return LIF(number: whole.number, vlan: vlan ?? whole.vlan)
  }

  // MARK: 5-tuple

  private func tuple(_ problems: inout ProblemList) -> FiveTuple? {
    let source = endpoint("sourceip", "sourceipv6", &problems)
    let sourcePort = port("sourceport", &problems)
    let destination = endpoint("destinationip", "destinationipv6", &problems)
    let destinationPort = port("destinationport", &problems)
    let transports: [(String, SessionProtocol)] = [("TCP", .tcp), ("UDP", .udp), ("6", .tcp), ("17", .udp)]
    fields.require("protocolid", accepted: "TCP, UDP, 6, 17", &problems)
    let transport = fields.choice("protocolid", among: transports, isProtoName: true, &problems)
    let version = fields.choice(
      "ipversion", among: [("IPV4", IPAddress.Family.ipv4), ("IPV6", .ipv6)], isProtoName: true, &problems)
    guard let source, let destination else { return nil }
    if source.address.family != destination.address.family {
      let name = source.address.family.name
      fields.refuse(
        destination.key, "\(destination.address) is not \(name), which \(source.key) \(source.address) is",
        &problems)
      return nil
    }
    if let version, version != source.address.family {
      fields.refuse(
        "ipversion",
        "is \(version.name), but \(source.key) \(source.address) is \(source.address.family.name)",
        &problems)
    }
    guard let sourcePort, let destinationPort, let transport else { return nil }
    return FiveTuple(
      source: source.address, sourcePort: sourcePort, destination: destination.address,
      destinationPort: destinationPort, transport: transport)
  }

  /// An address under either of its two keys; the first takes both families.
  private func endpoint(
    _ key: String, _ keyIPv6: String, _ problems: inout ProblemList
  ) -> (key: String, address: IPAddress)? {
    if fields.has(key), fields.has(keyIPv6) {
      fields.refuse(keyIPv6, "is given beside \(key); keep one of them", &problems)
      return nil
    }
    if fields.has(keyIPv6) {
      return fields.address(keyIPv6, family: .ipv6, &problems).map { (keyIPv6, $0) }
    }
    fields.require(key, accepted: "an address such as 192.0.2.1 or 2001:db8::1", &problems)
    return fields.address(key, &problems).map { (key, $0) }
  }

  private func port(_ key: String, _ problems: inout ProblemList) -> UInt16? {
    fields.require(key, accepted: "0...65535", &problems)
    return fields.integer(key, in: 0...UInt16.max, &problems)
  }

  private static let keys = [
    "session_id", "inlif", "invlan", "outlif", "outvlan", "ipversion", "sourceip", "sourceipv6", "sourceport",
    "destinationip", "destinationipv6", "destinationport", "protocolid", "action", "cachetimeout",
  ]
}

/// IEEE 802.1Q-2018 table 9-2: 4095 is reserved, 0 means no VLAN.
enum VLAN {
  /// The largest VID that a frame may carry.
  static let largest: UInt16 = 4094
}

extension IPAddress.Family {
  /// `IPv4` or `IPv6`.
  var name: String { self == .ipv4 ? "IPv4" : "IPv6" }
}

/// LIF numbers in order, the first sixteen of them.
func describe(_ numbers: Set<UInt16>) -> String {
  let sorted = numbers.sorted()
  let shown = sorted.prefix(16).map(String.init).joined(separator: ", ")
  return sorted.count > 16 ? shown + ", …" : shown
}
