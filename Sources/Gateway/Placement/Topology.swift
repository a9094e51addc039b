/// Which CPUs a machine has online, which of them share a physical core, and which NUMA node each one, its
/// memory and its network devices belong to. A value: `Topology+Reading` makes it of sysfs.
package struct Topology: Equatable, Sendable {
  /// A CPU as the scheduler counts them.
  package struct CPU: Equatable, Sendable {
    package var number: Int
    package var node: Int
    /// The lowest number among the CPUs of its physical core: the same for all SMT siblings.
    package var physicalCore: Int

    package init(_ number: Int, node: Int = 0, physicalCore: Int? = nil) {
      self.number = number
      self.node = node
      self.physicalCore = physicalCore ?? number
    }
  }

  package struct Node: Equatable, Sendable {
    package var number: Int
    package var hasMemory: Bool
    /// By node number, itself included; 10 is local (ACPI 6.5 §5.2.17, SLIT).
    package var distances: [Int: Int]

    package init(_ number: Int, hasMemory: Bool = true, distances: [Int: Int] = [:]) {
      self.number = number
      self.hasMemory = hasMemory
      self.distances = distances
    }
  }

  /// Online ones, ascending.
  package var cpus: [CPU]
  /// Ascending; at least one.
  package var nodes: [Node]
  /// The nodes of network devices by name; without those that belong to none, as virtual ones.
  package var interfaceNodes: [String: Int]

  package init(cpus: [CPU], nodes: [Node] = [Node(0)], interfaceNodes: [String: Int] = [:]) {
    self.cpus = cpus
    self.nodes = nodes
    self.interfaceNodes = interfaceNodes
  }

  package func cpu(_ number: Int) -> CPU? { cpus.first { $0.number == number } }

  package var online: CPUList { CPUList(cpus.map(\.number)) }

  /// Distance between two nodes, as the kernel says, else 10 within one and 20 from one to another.
  package func distance(_ from: Int, _ to: Int) -> Int {
    nodes.first { $0.number == from }?.distances[to] ?? (from == to ? 10 : 20)
  }

  /// The node whose memory is nearest to a node's CPUs: itself, unless it has none.
  package func memoryNode(near node: Int) -> Int {
    let having = nodes.filter(\.hasMemory).map(\.number)
    if having.isEmpty || having.contains(node) { return node }
    return having.min { (distance(node, $0), $0) < (distance(node, $1), $1) } ?? node
  }
}
