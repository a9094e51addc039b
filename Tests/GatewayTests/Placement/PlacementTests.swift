import Config
import Gateway
import Testing

@Suite("Where workers run")
struct PlacementTests {
  private func place(
    _ cores: CoreChoice = .auto, workers: Int, on tree: String, allowed: ClosedRange<Int> = 0...63,
    interfaces: [String] = []
  ) throws(PlacementRefusal) -> Placement {
    try Placement(
      cores, workers: workers, topology: Trees.topology(tree, interfaces), allowed: CPUList(allowed),
      interfaces: interfaces)
  }

  private func cores(_ placement: Placement) -> [Int?] { placement.seats.map(\.core) }

  @Test func `the first CPU is left for control while there is another`() throws {
    #expect(try cores(place(workers: 1, on: "one-node")) == [1])
    #expect(try cores(place(workers: 2, on: "one-node")) == [1, 0])
    #expect(try cores(place(workers: 1, on: "one-node", allowed: 0...0)) == [0])
    #expect(try cores(place(workers: 1, on: "two-nodes", allowed: 4...5)) == [5])
  }

  @Test func `more workers than CPUs are not pinned, and it is said`() throws {
    let placement = try place(workers: 3, on: "one-node")
    #expect(placement.seats == [.any, .any, .any])
    #expect(
      placement.warnings == [
        "cores: auto: 3 workers are more than the 2 CPUs that this process may run on: none is pinned"
      ])
  }

  @Test func `the device's node first, and of it a thread of each physical core`() throws {
    // Node 1 has CPUs 2 and 6 on one core, and 3.
    let placement = try place(workers: 4, on: "two-nodes", interfaces: ["ens1f0"])
    #expect(cores(placement) == [2, 3, 6, 1])
    #expect(placement.seats.map(\.node) == [1, 1, 1, 0])
    #expect(placement.seats.map(\.memoryNode) == [1, 1, 1, 0])
    #expect(
      placement.warnings == [
        "ens1f0 is on NUMA node 1, but worker 3 (core 1, node 0) is not: its packets cross between nodes"
      ])
  }

  @Test func `control's physical core is shared last`() throws {
    // Node 0 has 0 and 4 on one core, 1 and 5 on another; control has 0.
    #expect(try cores(place(workers: 3, on: "two-nodes", interfaces: ["ens2f0"])) == [1, 4, 5])
  }

  @Test func `between devices of two nodes the nearer ones win`() throws {
    let both = ["enp65s0", "enp129s0"]
    #expect(try cores(place(workers: 4, on: "four-nodes", interfaces: both)) == [4, 5, 6, 7])
    #expect(try cores(place(workers: 1, on: "four-nodes", interfaces: ["enp129s0"])) == [6])
    #expect(try cores(place(workers: 3, on: "four-nodes", interfaces: ["enp129s0"])) == [6, 7, 4])
  }

  @Test func `without a device's node workers stay together where most CPUs are`() throws {
    #expect(try cores(place(workers: 3, on: "two-nodes", interfaces: ["eno1"])) == [1, 4, 5])
    #expect(try cores(place(workers: 2, on: "two-nodes", allowed: 1...3)) == [2, 3])
  }

  @Test func `the mask is obeyed, CPUs that are offline are not taken`() throws {
    #expect(try cores(place(workers: 2, on: "two-nodes", allowed: 5...7)) == [6, 5])
    #expect(try cores(place(workers: 3, on: "two-nodes", allowed: 5...7)) == [nil, nil, nil])
  }

  @Test func `memory of a node that has none is the nearest one's`() throws {
    let placement = try place(.list([6]), workers: 1, on: "four-nodes")
    #expect(placement.seats == [Placement.Seat(core: 6, node: 4, memoryNode: 2)])
    #expect(placement.warnings == ["NUMA node 4 has no memory: that of node 2 is used"])
  }

  @Test func `with one node there is no memory to choose`() throws {
    #expect(
      try place(.list([1]), workers: 1, on: "one-node").seats == [Placement.Seat(core: 1, node: 0)])
  }

  @Test func `CPUs that are named are taken in their order`() throws {
    let placement = try place(.list([3, 0]), workers: 2, on: "two-nodes", interfaces: ["ens2f0"])
    #expect(cores(placement) == [3, 0])
    #expect(placement.warnings.count == 1 && placement.warnings[0].contains("worker 0 (core 3, node 1)"))
    #expect(try place(.any, workers: 2, on: "two-nodes").seats == [.any, .any])
  }

  @Test func `CPUs that are not there are refused by the field's name`() {
    let offline = PlacementRefusal(
      message: "cores[1]: CPU 7 is offline or does not exist; online: 0-6")
    #expect(throws: offline) { try place(.list([1, 7]), workers: 2, on: "two-nodes") }
    let outside = PlacementRefusal(
      message: "cores[0]: CPU 4 is outside the affinity mask of this process; accepted: 0-3")
    #expect(throws: outside) { try place(.list([4]), workers: 1, on: "two-nodes", allowed: 0...3) }
    let count = PlacementRefusal(message: "cores: 1 CPUs are named for 3 workers; name one for each")
    #expect(throws: count) { try place(.list([1]), workers: 3, on: "two-nodes") }
  }
}
