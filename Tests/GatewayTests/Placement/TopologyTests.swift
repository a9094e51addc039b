import Foundation
import Gateway
import Glibc
import Testing

@Suite("Topology of recorded machines")
struct TopologyTests {
  @Test func `one node`() {
    let topology = Trees.topology("one-node", ["eth0"])
    #expect(topology.cpus == [Topology.CPU(0), Topology.CPU(1)])
    #expect(topology.nodes == [Topology.Node(0, distances: [0: 10])])
    #expect(topology.interfaceNodes.isEmpty, "a device without a node belongs to none")
  }

  @Test func `two nodes with SMT, a CPU offline`() {
    let topology = Trees.topology("two-nodes", ["ens1f0", "ens2f0", "eno1", "none0"])
    #expect(topology.online.description == "0-6")
    #expect(topology.cpus.map(\.node) == [0, 0, 1, 1, 0, 0, 1])
    #expect(topology.cpus.map(\.physicalCore) == [0, 1, 2, 3, 0, 1, 2])
    #expect(topology.cpu(7) == nil)
    #expect(topology.interfaceNodes == ["ens1f0": 1, "ens2f0": 0])
    #expect(topology.distance(0, 1) == 21 && topology.distance(1, 1) == 10)
  }

  @Test func `four nodes, one of them without memory`() {
    let topology = Trees.topology("four-nodes", ["enp65s0", "enp129s0"])
    #expect(topology.nodes.map(\.number) == [0, 1, 2, 4])
    #expect(topology.nodes.map(\.hasMemory) == [true, true, true, false])
    #expect(topology.distance(4, 2) == 12 && topology.distance(4, 0) == 32)
    #expect(topology.memoryNode(near: 4) == 2 && topology.memoryNode(near: 1) == 1)
    #expect(topology.interfaceNodes == ["enp65s0": 2, "enp129s0": 4])
  }

  @Test func `this machine`() {
    let allowed = ProcessCPUs.allowed
    let topology = Topology(allowed: allowed)
    #expect(!allowed.numbers.isEmpty)
    #expect(allowed.numbers.allSatisfy { topology.cpu($0) != nil })
  }
}

@Suite("Sysfs trees that are not what they should be")
struct HostileTreeTests {
  private static let online = "devices/system/cpu/online"
  private static let node = "devices/system/node/node0"

  private func topology(
    _ files: KeyValuePairs<String, String>, in directory: borrowing TemporaryDirectory,
    interfaces: [String] = []
  ) throws -> Topology {
    for (path, text) in files {
      try directory.makeDirectory(URL(filePath: path).deletingLastPathComponent().relativePath)
      try directory.write(text, to: path)
    }
    return Topology(root: directory.path, allowed: CPUList(0...3), interfaces: interfaces)
  }

  private let plain = Topology(cpus: (0...3).map { Topology.CPU($0) })

  @Test func `a tree that is not there is one node with the CPUs of the mask`() {
    #expect(Topology(root: "/nonexistent", allowed: CPUList(0...3)) == plain)
  }

  @Test(arguments: ["", "\n", "x", "0-4294967295", "3-0", "-1", "\u{0}\u{0}"])
  func `CPUs that cannot be read are those of the mask`(text: String) throws {
    let directory = try TemporaryDirectory()
    #expect(try topology([Self.online: text], in: directory) == plain)
  }

  @Test func `files that are too long, no text or no files are not there`() throws {
    let directory = try TemporaryDirectory()
    try directory.makeDirectory("devices/system/cpu/cpu0/topology/thread_siblings_list")
    try directory.makeDirectory("devices/system/cpu/cpu1/topology")
    try #require(mkfifo(directory.file("devices/system/cpu/cpu1/topology/thread_siblings_list"), 0o600) == 0)
    try directory.makeDirectory("devices/system/cpu/cpu2/topology")
    try Data([0xFF, 0xFE]).write(
      to: URL(filePath: directory.file("devices/system/cpu/cpu2/topology/thread_siblings_list")))
    let long = String(repeating: "0,", count: 40_000) + "0"
    #expect(try topology([Self.online: long], in: directory) == plain)
  }

  @Test func `siblings must contain the CPU itself, and be online`() throws {
    let directory = try TemporaryDirectory()
    let found = try topology(
      [
        Self.online: "1-3", "devices/system/cpu/cpu1/topology/thread_siblings_list": "0,1",
        "devices/system/cpu/cpu2/topology/thread_siblings_list": "3",
        "devices/system/cpu/cpu3/topology/thread_siblings_list": "2-3",
      ], in: directory)
    #expect(found.cpus.map(\.physicalCore) == [1, 2, 2])
  }

  @Test func `a CPU that two nodes claim is the first one's, one that none claims too`() throws {
    let directory = try TemporaryDirectory()
    let found = try topology(
      [
        Self.online: "0-2", "\(Self.node)/cpulist": "0", "devices/system/node/node1/cpulist": "0-1",
        "devices/system/node/node01/cpulist": "2", "devices/system/node/node4096/cpulist": "2",
        "devices/system/node/nodes/cpulist": "2",
      ], in: directory)
    #expect(found.cpus.map(\.node) == [0, 1, 0] && found.nodes.map(\.number) == [0, 1])
  }

  @Test(arguments: ["10", "10 20 30", "10 x", "10 -20", "10 0", "10 99999999999999999999", ""])
  func `distances that do not fit are 10 and 20`(row: String) throws {
    let directory = try TemporaryDirectory()
    let found = try topology(
      ["\(Self.node)/distance": row, "devices/system/node/node1/cpulist": "1"], in: directory)
    #expect(found.distance(0, 0) == 10 && found.distance(0, 1) == 20 && found.distance(7, 9) == 20)
  }

  @Test(arguments: ["", "Node 0 MemTotal:", "Node 0 MemTotal: x kB", "\n\n:::"])
  func `memory is taken for granted where nothing says that there is none`(meminfo: String) throws {
    let directory = try TemporaryDirectory()
    #expect(try topology(["\(Self.node)/meminfo": meminfo], in: directory).nodes[0].hasMemory)
  }

  @Test func `names of devices do not lead out of the tree, nodes of devices exist`() throws {
    let directory = try TemporaryDirectory()
    let names = ["a/../b", "..", "", "eth 0", "eth:1", "much-longer-than-15", "far0", "wrong0", "good0"]
    let found = try topology(
      [
        "class/net/b/device/numa_node": "0", "class/device/numa_node": "0",
        "class/net/far0/device/numa_node": "7", "class/net/wrong0/device/numa_node": "zero",
        "class/net/good0/device/numa_node": "0\n",
      ], in: directory, interfaces: names)
    #expect(found.interfaceNodes == ["good0": 0])
  }
}
