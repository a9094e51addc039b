/// Numbered weights, from which one is drawn with a chance that is its share of all: O(log count).
///
/// Each node is the sum of sixteen below it, one cache line: 8 million weights are six levels deep.
/// The sum of all must stay below 2^32.
struct WeightTree: Sendable {
  /// The sum of all weights.
  private(set) var total: UInt32 = 0
  /// All levels in one array, the weights themselves first.
  private var nodes: [UInt32]
  /// Where each level begins in `nodes`; the last one has at most sixteen.
  private var levels: [Int] = []

  /// All weights 0.
  init(count: Int) {
    var size = 0
    var width = max(count, 1)
    while true {
      levels.append(size)
      size += width
      if width <= Self.fanout { break }
      width = (width + Self.fanout - 1) / Self.fanout
    }
    nodes = [UInt32](repeating: 0, count: size)
  }

  subscript(index: Int) -> UInt32 { nodes[index] }

  /// Adds `weight` to number `index`.
  mutating func add(_ weight: UInt32, to index: Int) {
    var position = index
    for level in levels {
      nodes[level + position] += weight
      position /= Self.fanout
    }
    total += weight
  }

  /// Takes 1 from number `index`, which must have it.
  mutating func take(_ index: Int) {
    var position = index
    for level in levels {
      nodes[level + position] -= 1
      position /= Self.fanout
    }
    total -= 1
  }

  /// The number in whose share `point`, below the total, lies.
  func find(_ point: UInt32) -> Int {
    var left = point
    var position = 0
    for level in levels.reversed() {
      position *= Self.fanout
      while left >= nodes[level + position] {
        left -= nodes[level + position]
        position += 1
      }
      if level == 0 { break }
    }
    return position
  }

  private static let fanout = 16
}
