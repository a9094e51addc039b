package import Config

/// Which core each worker runs on, and which node its memory comes from.
package struct Placement: Equatable, Sendable {
  /// One worker's place.
  package struct Seat: Equatable, Sendable {
    /// The CPU it is pinned to; nil when the scheduler chooses.
    package var core: Int?
    /// The NUMA node of that CPU.
    package var node: Int?
    /// The node that its memory comes from: the nearest with memory; nil where there is nothing to choose.
    package var memoryNode: Int?

    package init(core: Int? = nil, node: Int? = nil, memoryNode: Int? = nil) {
      self.core = core
      self.node = node
      self.memoryNode = memoryNode
    }

    /// Where the scheduler decides.
    package static let any = Seat()
  }

  /// By worker.
  package let seats: [Seat]
  /// What is less good than it could be, in words.
  package let warnings: [String]

  /// Seats for as many workers.
  ///
  /// - Parameters:
  ///   - allowed: the process's affinity mask.
  ///   - interfaces: the network devices of the ports, which the topology was asked about.
  /// - Throws: what the configuration's `cores` asks for that is not there.
  package init(
    _ cores: CoreChoice, workers: Int, topology: Topology, allowed: CPUList, interfaces: [String]
  ) throws(PlacementRefusal) {
    let chosen: [Int]
    var warnings: [String] = []
    switch cores {
    case .any: chosen = []
    case .list(let list):
      try Self.check(list, workers: workers, topology: topology, allowed: allowed)
      chosen = list
    case .auto:
      chosen = CoreOrder(topology, allowed: allowed, interfaces: interfaces).first(workers)
      if chosen.isEmpty {
        let usable = topology.cpus.filter { allowed.contains($0.number) }.count
        warnings.append(
          "cores: auto: \(workers) workers are more than the \(usable) CPUs that this process may run on: "
            + "none is pinned")
      }
    }
    seats =
      chosen.isEmpty
      ? [Seat](repeating: .any, count: workers) : chosen.map { Self.seat(on: $0, of: topology) }
    self.warnings = warnings + Self.warnings(seats, topology, interfaces)
  }

  private static func check(
    _ list: [Int], workers: Int, topology: Topology, allowed: CPUList
  ) throws(PlacementRefusal) {
    guard list.count == workers else {
      throw PlacementRefusal(
        message: "cores: \(list.count) CPUs are named for \(workers) workers; name one for each")
    }
    for (index, core) in list.enumerated() {
      guard topology.cpu(core) != nil else {
        throw PlacementRefusal(
          message: "cores[\(index)]: CPU \(core) is offline or does not exist; online: \(topology.online)")
      }
      guard allowed.contains(core) else {
        throw PlacementRefusal(
          message: "cores[\(index)]: CPU \(core) is outside the affinity mask of this process; "
            + "accepted: \(allowed)")
      }
    }
  }

  private static func seat(on core: Int, of topology: Topology) -> Seat {
    let node = topology.cpu(core)?.node ?? 0
    // With one node there is nothing to choose, and a kernel without NUMA refuses to be told.
    let memoryNode = topology.nodes.count > 1 ? topology.memoryNode(near: node) : nil
    return Seat(core: core, node: node, memoryNode: memoryNode)
  }

  /// What costs time at each packet, or memory that is far away.
  private static func warnings(_ seats: [Seat], _ topology: Topology, _ interfaces: [String]) -> [String] {
    var warnings: [String] = []
    for interface in interfaces {
      guard let home = topology.interfaceNodes[interface] else { continue }
      let far = seats.indices.filter { seats[$0].node != nil && seats[$0].node != home }
      guard !far.isEmpty else { continue }
      let workers = far.map { "worker \($0) (core \(seats[$0].core ?? -1), node \(seats[$0].node ?? -1))" }
      warnings.append(
        "\(interface) is on NUMA node \(home), but \(workers.joined(separator: ", ")) is not: "
          + "its packets cross between nodes")
    }
    for node in Set(seats.filter { $0.memoryNode != nil && $0.memoryNode != $0.node }.compactMap(\.node)) {
      warnings.append(
        "NUMA node \(node) has no memory: that of node \(topology.memoryNode(near: node)) is used")
    }
    return warnings
  }
}

/// Why workers cannot be placed as the configuration says; the message begins with the field.
package struct PlacementRefusal: Error, Equatable {
  package let message: String

  package init(message: String) { self.message = message }
}
