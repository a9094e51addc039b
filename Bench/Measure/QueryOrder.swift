import ArgumentParser

/// Which flow each query or packet is of, as `make_queries` in `peers/peer_util.h` chooses them.
enum QueryOrder: String, ExpressibleByArgument, CaseIterable {
  case uniform
  /// Zipf with exponent 1, ranks shuffled over the flows.
  case zipf

  func fill(_ order: borrowing HugeBuffer<UInt32>, flows: UInt32, _ random: inout SplitMix64)
    throws(OutOfMemory)
  {
    switch self {
    case .uniform:
      for index in 0..<order.count { order[index] = Self.below(flows, &random) }
    case .zipf:
      try Self.fillZipf(order, flows: Int(flows), &random)
    }
  }

  private static func fillZipf(
    _ order: borrowing HugeBuffer<UInt32>, flows: Int, _ random: inout SplitMix64
  ) throws(OutOfMemory) {
    let cumulated = try HugeBuffer<Double>(count: flows)
    let flowOfRank = try HugeBuffer<UInt32>(count: flows)
    var sum = 0.0
    for rank in 0..<flows {
      sum += 1 / Double(rank + 1)
      cumulated[rank] = sum
      flowOfRank[rank] = UInt32(rank)
    }
    for rank in stride(from: flows - 1, to: 0, by: -1) {
      let other = Int(below(UInt32(rank + 1), &random))
      let flow = flowOfRank[rank]
      flowOfRank[rank] = flowOfRank[other]
      flowOfRank[other] = flow
    }
    for index in 0..<order.count {
      let wanted = Double(random.next() >> 11) * 0x1p-53 * sum
      var (low, high) = (0, flows - 1)
      while low < high {
        let middle = (low + high) / 2
        if cumulated[middle] < wanted { low = middle + 1 } else { high = middle }
      }
      order[index] = flowOfRank[low]
    }
  }

  /// 0..<count, uniformly distributed but for a bias of at most count / 2^32.
  private static func below(_ count: UInt32, _ random: inout SplitMix64) -> UInt32 {
    UInt32(truncatingIfNeeded: ((random.next() >> 32) &* UInt64(count)) >> 32)
  }
}
