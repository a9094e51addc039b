/// The neighbours that copies go to, found by address. Fixed once a worker has started.
package struct NeighborTable: Sendable {
  /// Sorted by address, for a search without allocation.
  private let neighbors: [Neighbor]

  package init(_ neighbors: [Neighbor]) {
    self.neighbors = neighbors.sorted { Self.isBefore($0.address, $1.address) }
  }

  /// The neighbour with `address`; nil when it is not configured.
  package func find(_ address: IPAddress) -> Neighbor? {
    var low = 0
    var high = neighbors.count
    while low < high {
      let middle = (low + high) / 2
      if Self.isBefore(neighbors[middle].address, address) { low = middle + 1 } else { high = middle }
    }
    guard low < neighbors.count, neighbors[low].address == address else { return nil }
    return neighbors[low]
  }

  private static func isBefore(_ left: IPAddress, _ right: IPAddress) -> Bool {
    (left.family.rawValue, left.high, left.low) < (right.family.rawValue, right.high, right.low)
  }
}
