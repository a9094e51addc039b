internal import Dataplane
internal import Yams

extension InterfaceAddress {
  /// Reads `ADDRESS/LENGTH`; nil for anything else.
  init?(text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = IPAddress(text: String(parts[0])), address.isStation,
      (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
      let length = Int(parts[1]), length > 0
    else { return nil }
    self.init(address, length: length)
  }

  /// Reads `addresses` of a port: none when it is not routed.
  static func parse(_ port: MappingReader, _ problems: inout ProblemList) -> [InterfaceAddress] {
    var addresses: [InterfaceAddress] = []
    for node in port.list("addresses", &problems) {
      guard let own = node.scalar.flatMap({ InterfaceAddress(text: $0.string) }) else {
        problems.add(
          "\(found(node)) is not an address of a host with its network's length, such as 10.0.1.1/24 or "
            + "2001:db8::1/64", at: node.mark, port.path(of: "addresses"))
        continue
      }
      if addresses.contains(where: { $0.address == own.address }) {
        problems.add("\(own.address) is there twice", at: node.mark, port.path(of: "addresses"))
      }
      addresses.append(own)
    }
    if addresses.count > limit {
      port.refuse("addresses", "are \(addresses.count); accepted: up to \(limit)", &problems)
    }
    return addresses
  }

  /// More are no port's; all are looked through when one is announced.
  private static let limit = 64
}

/// The `routes` list: where packets go that are for no port's network.
enum RouteEntry {
  static func parse(
    _ configuration: MappingReader, ports: PortList, problems: inout ProblemList
  ) -> [Route] {
    var indices: [IPPrefix: Int] = [:]
    var routes: [Route] = []
    for (index, node) in configuration.list("routes", &problems).enumerated() {
      let path = FieldPath.element(configuration.path(of: "routes"), index)
      guard let fields = MappingReader(node, path, keys: keys, problems: &problems),
        let route = route(fields, ports, &problems)
      else { continue }
      if let other = indices.updateValue(index, forKey: route.prefix) {
        fields.refuse("prefix", "is also that of routes[\(other)]; accepted: each prefix once", &problems)
      }
      routes.append(route)
    }
    return routes
  }

  private static func route(
    _ fields: MappingReader, _ list: PortList, _ problems: inout ProblemList
  ) -> Route? {
    let prefixText = "a prefix such as 0.0.0.0/0 or 2001:db8::/32"
    fields.require("prefix", accepted: prefixText, &problems)
    fields.require("next_hop", accepted: "a router's address such as 192.0.2.1", &problems)
    fields.require("port", accepted: "the name of a port with addresses", &problems)
    let text = fields.word("prefix", accepted: prefixText, &problems)
    let prefix = text.flatMap { IPPrefix(text: $0) }
    if let text, prefix == nil {
      fields.refuse(
        "prefix", "\(quoted(text)) is not \(prefixText), without bits behind the prefix", &problems)
    }
    let hop = fields.address("next_hop", family: prefix?.first.family, &problems)
    guard let name = fields.text("port", accepted: "the name of a port with addresses", &problems) else {
      return nil
    }
    guard let port = list.ports.first(where: { $0.name == name }) else {
      // A list with an entry that cannot be read says so by itself.
      if list.knownLIFs != nil {
        fields.refuse("port", "\(quoted(name)) is no port of this file", &problems)
      }
      return nil
    }
    guard !port.addresses.isEmpty else {
      fields.refuse("port", "\(quoted(name)) has no addresses: routes leave by ports with some", &problems)
      return nil
    }
    guard let prefix, let hop else { return nil }
    let isOnLink = hop.isLinkLocal || port.addresses.contains { $0.network.contains(hop) }
    let isOurs = list.ports.contains { $0.addresses.contains { $0.address == hop } }
    if !isOnLink || isOurs || !hop.isStation {
      fields.refuse(
        "next_hop", "\(hop) is no neighbour in a network of port \(quoted(name))", &problems)
    }
    return Route(prefix: prefix, nextHop: hop, lif: port.lif.number)
  }

  private static let keys = ["prefix", "next_hop", "port"]
}
