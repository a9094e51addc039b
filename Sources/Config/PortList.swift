internal import Dataplane
internal import PacketIO
internal import Yams

/// The `ports` list while it is read: entries first, then what they say about each other.
struct PortList {
  /// In file order, peers filled in.
  private(set) var ports: [Port] = []
  /// The LIF numbers that other parts of the file may name; nil for any, so also if a port is unreadable.
  private(set) var knownLIFs: Set<UInt16>?

  /// An entry whose own fields are right.
  private struct Entry {
    let fields: MappingReader
    var port: Port
    /// The LIF number under `peer`, and the name under `host`.
    let peer: UInt16?
    let host: String?
  }

  /// Reads `ports` of a configuration.
  static func parse(_ configuration: MappingReader, problems: inout ProblemList) -> PortList {
    let nodes = configuration.list("ports", &problems)
    var list = PortList()
    var entries: [Entry] = []
    for (index, node) in nodes.enumerated() {
      let path = FieldPath.element(configuration.path(of: "ports"), index)
      guard let fields = MappingReader(node, path, keys: keys, problems: &problems) else { continue }
      if let entry = entry(fields, problems: &problems) { entries.append(entry) }
    }
    checkUnique(entries, problems: &problems)
    checkNetworks(entries, problems: &problems)
    if !nodes.isEmpty, entries.count == nodes.count { list.knownLIFs = Set(entries.map(\.port.lif.number)) }
    if entries.count == nodes.count { findHosts(&entries, problems: &problems) }
    list.ports = entries.map { list.withPeer($0, among: entries, problems: &problems) }
    return list
  }

  private static func entry(_ fields: MappingReader, problems: inout ProblemList) -> Entry? {
    let nameText = "1 to 64 letters, digits, \".\", \"_\" and \"-\""
    fields.require("name", accepted: nameText, &problems)
    fields.require("lif", accepted: "1...65535", &problems)
    let name = fields.text("name", accepted: nameText, &problems)
    if let name, !isName(name) {
      fields.refuse("name", "\(quoted(name)) is not a name; accepted: \(nameText)", &problems)
    }
    let number: UInt16? = fields.integer("lif", in: 1...UInt16.max, &problems)
    let peer: UInt16? = fields.integer("peer", in: 1...UInt16.max, &problems)
    let host = fields.text("host", accepted: "the name of a port", &problems)
    let mac = fields.macAddress("mac", isStation: true, &problems)
    let capture = fields.filePath("capture", accepted: "the path of a capture file", &problems)
    let memory = MemoryPort(fields, &problems)
    let live = LivePortSettings(fields, &problems)
    let miss = fields.choice("miss", among: misses, &problems)
    let learned = fields.choice("learn", among: learnedActions, &problems)
    let nonSession = fields.choice("non_session", among: nonSessions, &problems)
    if fields.has("capture"), fields.has("memory") {
      fields.refuse("memory", "stands beside capture; keep one: a port receives from one source", &problems)
    }
    if fields.has("interface"), fields.has("capture") || fields.has("memory") {
      let other = fields.has("capture") ? "capture" : "memory"
      fields.refuse(
        "interface", "stands beside \(other); keep one: a port receives from one source", &problems)
    }
    let addresses = InterfaceAddress.parse(fields, &problems)
    if !addresses.isEmpty, miss == .forward {
      fields.refuse("miss", "forward on a port with addresses, which has no peer: write route", &problems)
    }
    if addresses.isEmpty, miss == .route {
      fields.refuse("miss", "route without addresses: give the port some, or write forward", &problems)
    }
    guard let name, let number else { return nil }
    var port = Port(
      name: name, lif: LIF(number: number), mac: mac, capture: capture, memory: memory,
      live: live, miss: miss ?? (addresses.isEmpty ? .forward : .route),
      learnedAction: learned ?? .forward,
      nonSession: nonSession ?? .forward)
    port.addresses = addresses
    port.takesInterfaceMAC = !addresses.isEmpty && live != nil && mac == nil
    return Entry(fields: fields, port: port, peer: peer, host: host)
  }

  private static func checkUnique(_ entries: [Entry], problems: inout ProblemList) {
    var names: [String: Int] = [:]
    var lifs: [UInt16: Int] = [:]
    var interfaces: [String: Int] = [:]
    for (index, entry) in entries.enumerated() {
      if let other = names.updateValue(index, forKey: entry.port.name) {
        let first = entries[other].fields.path
        entry.fields.refuse(
          "name", "\(quoted(entry.port.name)) is also the name of \(first); accepted: unique names", &problems
        )
      }
      if let other = lifs.updateValue(index, forKey: entry.port.lif.number) {
        let first = entries[other].fields.path
        entry.fields.refuse(
          "lif", "\(entry.port.lif) is also the LIF of \(first); accepted: unique numbers", &problems)
      }
      if let interface = entry.port.live?.interface,
        let other = interfaces.updateValue(index, forKey: interface)
      {
        let first = entries[other].fields.path
        entry.fields.refuse(
          "interface", "\(quoted(interface)) is also the interface of \(first); accepted: one port each",
          &problems)
      }
    }
  }

  /// Finds the ports that are host ports of others.
  private static func findHosts(_ entries: inout [Entry], problems: inout ProblemList) {
    var users: [LIF: Int] = [:]
    for (index, entry) in entries.enumerated() {
      guard let name = entry.host else { continue }
      guard let host = entries.first(where: { $0.port.name == name }), host.port.lif != entry.port.lif else {
        let names = entries.map(\.port.name).filter { $0 != entry.port.name }.joined(separator: ", ")
        entry.fields.refuse(
          "host", "\(quoted(name)) is not another port; accepted: \(names.isEmpty ? "none" : names)",
          &problems)
        continue
      }
      entries[index].port.host = host.port.lif
      if let first = users.updateValue(index, forKey: host.port.lif), host.peer == nil {
        entry.fields.refuse(
          "host",
          "\(quoted(name)) is also the host port of \(entries[first].fields.path); accepted: a host port for "
            + "each, or one with a peer, which says where its packets go", &problems)
      }
    }
  }

  /// A network is on one port's link, and an address belongs to one port.
  private static func checkNetworks(_ entries: [Entry], problems: inout ProblemList) {
    for (index, entry) in entries.enumerated() {
      for own in entry.port.addresses where !own.address.isLinkLocal {
        let other = entries[..<index].first { other in
          other.port.addresses.contains {
            !$0.address.isLinkLocal
              && ($0.network.contains(own.network.first) || own.network.contains($0.network.first))
          }
        }
        guard let other else { continue }
        entry.fields.refuse(
          "addresses",
          "the network of \(own.address) overlaps with one of \(other.fields.path); accepted: one port each",
          &problems)
      }
    }
  }

  /// The entry's port with its peer: the one named, for a host port the one whose host port it is, else the
  /// other of exactly two that are not host ports, or of exactly two, else itself.
  private func withPeer(_ entry: Entry, among entries: [Entry], problems: inout ProblemList) -> Port {
    var port = entry.port
    if let peer = entry.peer {
      if let knownLIFs, !knownLIFs.contains(peer) {
        entry.fields.refuse(
          "peer", "LIF \(peer) is not configured; accepted: \(describe(knownLIFs))", &problems)
      }
      port.peer = LIF(number: peer)
      return port
    }
    if let user = entries.first(where: { $0.port.host == port.lif }) {
      port.peer = user.port.lif
      return port
    }
    let hosts = Set(entries.compactMap(\.port.host))
    let others = entries.map(\.port.lif).filter { $0 != port.lif }
    let ordinary = others.filter { !hosts.contains($0) }
    if let other = ordinary.count == 1 ? ordinary.first : others.count == 1 ? others.first : nil {
      port.peer = other
    }
    return port
  }

  private static func isName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.unicodeScalars.allSatisfy { scalar in
        scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
          || scalar == "." || scalar == "_" || scalar == "-"
      }
  }

  private static let keys = [
    "name", "lif", "peer", "host", "mac", "kind", "interface", "ring", "fanout", "xdp", "capture", "memory",
    "addresses", "miss", "learn", "non_session",
  ]
  private static let misses: [(String, MissPolicy)] = [
    ("punt", .punt), ("forward", .forward), ("drop", .drop), ("learn", .learn),
    ("route", .route),
  ]
  private static let learnedActions: [(String, Action)] = [("forward", .forward), ("drop", .drop)]
  private static let nonSessions: [(String, NonSessionPolicy)] = [
    ("forward", .forward), ("punt", .punt), ("drop", .drop),
  ]
}
