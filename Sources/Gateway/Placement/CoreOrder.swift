/// The CPUs that workers may have, the best first.
///
/// Best is the nearest to the network devices' nodes, then a thread whose physical core nobody else has,
/// then the lowest number. The first CPU of the mask comes last: the control side runs there.
struct CoreOrder {
  private let cores: [Int]

  /// - Parameter allowed: CPUs that this process may run on.
  init(_ topology: Topology, allowed: CPUList, interfaces: [String]) {
    let usable = topology.cpus.filter { allowed.contains($0.number) }
    let control = usable.first
    let homes = interfaces.compactMap { topology.interfaceNodes[$0] }
    let nodes = homes.isEmpty ? Self.largestNode(of: usable).map { [$0] } ?? [] : homes

    var taken: [Int: Int] = [:]
    if let control { taken[control.physicalCore] = 1 }
    var ranked: [(rank: [Int], number: Int)] = []
    for cpu in usable {
      let isControl = cpu.number == control?.number
      let far = nodes.reduce(0) { $0 + topology.distance(cpu.node, $1) }
      let shared = isControl ? 0 : taken[cpu.physicalCore, default: 0]
      if !isControl { taken[cpu.physicalCore, default: 0] += 1 }
      ranked.append(([isControl ? 1 : 0, far, shared, cpu.number], cpu.number))
    }
    cores = ranked.sorted { $0.rank.lexicographicallyPrecedes($1.rank) }.map(\.number)
  }

  /// The best CPUs for as many workers; none when there are fewer: two that poll on one CPU are in each
  /// other's way.
  func first(_ workers: Int) -> [Int] { workers <= cores.count ? Array(cores.prefix(workers)) : [] }

  /// Where most workers fit beside each other; the lowest of equals.
  private static func largestNode(of cpus: [Topology.CPU]) -> Int? {
    var counts: [Int: Int] = [:]
    for cpu in cpus { counts[cpu.node, default: 0] += 1 }
    return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
  }
}
