internal import Dataplane
internal import Yams

/// The `neighbors` list: where copies for a next hop go.
enum NeighborEntry {
  /// Reads the list; `knownLIFs` nil means that any LIF may be named.
  static func parse(
    _ configuration: MappingReader, knownLIFs: Set<UInt16>?, problems: inout ProblemList
  ) -> [Neighbor] {
    var indices: [IPAddress: Int] = [:]
    var neighbors: [Neighbor] = []
    for (index, node) in configuration.list("neighbors", &problems).enumerated() {
      let path = FieldPath.element(configuration.path(of: "neighbors"), index)
      guard let fields = MappingReader(node, path, keys: keys, problems: &problems) else { continue }
      guard let neighbor = neighbor(fields, knownLIFs: knownLIFs, problems: &problems) else { continue }
      if let other = indices.updateValue(index, forKey: neighbor.address) {
        fields.refuse(
          "address", "\(neighbor.address) is also that of neighbors[\(other)]; accepted: unique addresses",
          &problems)
      }
      neighbors.append(neighbor)
    }
    return neighbors
  }

  private static func neighbor(
    _ fields: MappingReader, knownLIFs: Set<UInt16>?, problems: inout ProblemList
  ) -> Neighbor? {
    fields.require("address", accepted: "an address such as 192.0.2.1 or 2001:db8::1", &problems)
    fields.require("mac", accepted: "a MAC address such as 02:00:00:00:00:01", &problems)
    fields.require("lif", accepted: knownLIFs.map(describe) ?? "1...65535", &problems)
    let address = fields.address("address", &problems)
    let mac = fields.macAddress("mac", &problems)
    let number: UInt16? = fields.integer("lif", in: 1...UInt16.max, &problems)
    let vlan: UInt16? = fields.integer("vlan", in: 0...VLAN.largest, &problems)
    if let number, let knownLIFs, !knownLIFs.contains(number) {
      fields.refuse("lif", "LIF \(number) is not configured; accepted: \(describe(knownLIFs))", &problems)
    }
    guard let address, let mac, let number else { return nil }
    return Neighbor(address: address, mac: mac, lif: LIF(number: number, vlan: vlan ?? 0))
  }

  private static let keys = ["address", "mac", "lif", "vlan"]
}
