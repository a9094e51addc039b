extension Topology {
  /// Where the kernel says it.
  package static let sysfs = "/sys"

  /// Reads a sysfs tree. Nothing in it is needed, and nothing in it is believed that contradicts itself:
  /// what is missing or wrong falls back to one node, to a core for each CPU, to 10 and 20 as distances.
  ///
  /// - Parameters:
  ///   - allowed: CPUs that this process may run on; they are taken for online where the tree does not say.
  ///   - interfaces: names of network devices whose nodes are wanted.
  package init(root: String = sysfs, allowed: CPUList, interfaces: [String] = []) {
    let tree = SysfsTree(root: root)
    let online = tree.list("devices/system/cpu/online").flatMap { $0.numbers.isEmpty ? nil : $0 } ?? allowed
    var nodeNumbers = tree.numbers(in: Self.nodePath, prefix: "node", upTo: Self.highestNode)
    if nodeNumbers.isEmpty { nodeNumbers = [0] }

    var nodeOf: [Int: Int] = [:]
    for node in nodeNumbers {
      for cpu in tree.list("\(Self.nodePath)/node\(node)/cpulist")?.numbers ?? [] where nodeOf[cpu] == nil {
        nodeOf[cpu] = node
      }
    }
    let known = Set(online.numbers)
    cpus = online.numbers.map { number in
      let siblings = tree.list("devices/system/cpu/cpu\(number)/topology/thread_siblings_list")
      let own = siblings.flatMap { $0.contains(number) ? $0.numbers.first { known.contains($0) } : nil }
      return CPU(number, node: nodeOf[number] ?? nodeNumbers[0], physicalCore: own ?? number)
    }
    nodes = nodeNumbers.map { Self.node($0, among: nodeNumbers, tree) }
    interfaceNodes = [:]
    for interface in interfaces where Self.isName(interface) {
      // -1: a virtual device, or a machine that does not say.
      if let node = tree.integer("class/net/\(interface)/device/numa_node"), nodeNumbers.contains(node) {
        interfaceNodes[interface] = node
      }
    }
  }

  private static func node(_ number: Int, among numbers: [Int], _ tree: SysfsTree) -> Node {
    let path = "\(nodePath)/node\(number)"
    // A row has the distances to the nodes that are online, in their order.
    let row = tree.text("\(path)/distance")?.split { $0.isWhitespace }.map { Int($0) } ?? []
    var distances: [Int: Int] = [:]
    if row.count == numbers.count, row.allSatisfy({ (1...255).contains($0 ?? 0) }) {
      for (other, distance) in zip(numbers, row) { distances[other] = distance }
    }
    return Node(number, hasMemory: hasMemory(tree.text("\(path)/meminfo")), distances: distances)
  }

  /// Whether `Node 0 MemTotal: 16 kB` says more than 0. Without such a line it is taken for granted.
  private static func hasMemory(_ meminfo: String?) -> Bool {
    for line in meminfo?.split(whereSeparator: \.isNewline) ?? [] {
      let words = line.split { $0.isWhitespace }
      guard let place = words.firstIndex(of: "MemTotal:"), place + 1 < words.count else { continue }
      return UInt64(words[place + 1]) != 0
    }
    return true
  }

  /// What netdevice(7) and the kernel's dev_valid_name() accept, so that no name leads out of the tree.
  private static func isName(_ name: String) -> Bool {
    (1...15).contains(name.utf8.count) && name != "." && name != ".."
      && name.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
  }

  private static let nodePath = "devices/system/node"
  /// MAX_NUMNODES of the kernel, less one.
  private static let highestNode = 1023
}
