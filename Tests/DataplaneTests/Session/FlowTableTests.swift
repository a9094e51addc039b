import Dataplane
import Testing

/// The table against a dictionary, and its load measured in buckets visited.
@Suite("Flow table")
struct FlowTableTests {
  private static let secret = FlowSecret(0x1357, 0x2468, 0xACE0_ACE0, 0xBDF1)

  private struct Tuple: Hashable {
    var low: UInt64
    var isIPv6: Bool

    /// Its key and IPv6 addresses.
    func key(_ addresses6: inout FlowAddresses6) -> FlowKey {
      if isIPv6 {
        return FlowKey(
          source: IPAddress(ipv6High: 1, low: low), sourcePort: 1,
          destination: IPAddress(ipv6High: 2, low: 2),
          destinationPort: 2, kind: .udp6, secret: FlowTableTests.secret, addresses6: &addresses6)
      }
      return FlowKey(
        source: UInt32(truncatingIfNeeded: low), sourcePort: UInt16(truncatingIfNeeded: low >> 32),
        destination: 0xF000_0000, destinationPort: 2, kind: .tcp4, secret: FlowTableTests.secret)
    }
  }

  /// What the fast path guesses from the bucket alone.
  private func probe(
    _ table: borrowing FlowTable, _ policies: borrowing SessionPolicyTable, _ key: FlowKey
  ) -> UInt32 {
    var packet = SessionPacket.empty
    packet.key = key
    packet.candidate = table.prefetchBucket(key.hash)
    table.memory.fastPath(policies).probe(&packet, hasIPv6: true)
    return packet.candidate
  }

  @Test func `of a full table nearly every record is guessed, beyond full buckets too`() throws {
    let records: UInt32 = 20_000
    var table = try required(FlowTable(recordCount: records))
    let policies = try required(SessionPolicyTable())
    var expected: [(key: FlowKey, index: UInt32)] = []
    for number in 0..<records {
      var addresses6 = FlowAddresses6()
      let key = Tuple(low: UInt64(number), isIPv6: false).key(&addresses6)
      expected.append((key, table.insert(key, addresses6)))
    }
    // Three of four keys lie in their home bucket, and two keys of a tag near one another are rare.
    var guessed = 0
    for (key, index) in expected {
      let guess = probe(table, policies, key)
      if guess == index { guessed += 1 }
      #expect(guess == FlowTable.unknown || guess < records)
    }
    #expect(guessed > Int(records) * 95 / 100, "\(guessed) of \(records)")
  }

  @Test(arguments: [1, 2, 7, 8, 9, 64, 300] as [UInt32])
  func `agrees with a dictionary through random insertions and removals`(_ records: UInt32) throws {
    var random = SplitMix64(state: UInt64(records))
    var table = try required(FlowTable(recordCount: records))
    let policies = try required(SessionPolicyTable())
    var model: [Tuple: Set<UInt32>] = [:]
    var live: [(tuple: Tuple, index: UInt32)] = []
    // Phases of growing and shrinking, so that the table is often full and often empty.
    var growth = 5
    for step in 0..<300_000 {
      if step % 2000 == 0 { growth = random.below(9) }
      var addresses6 = FlowAddresses6()
      let tuple = Tuple(low: UInt64(random.below(Int(records) * 2 + 3)), isIPv6: random.oneIn(3))
      let key = tuple.key(&addresses6)
      if random.below(10) <= growth {
        let index = table.insert(key, addresses6)
        if live.count == records {
          #expect(index == FlowTable.none, "records \(records) step \(step)")
        } else {
          #expect(!live.contains { $0.index == index } && index < records, "records \(records) step \(step)")
          live.append((tuple, index))
          model[tuple, default: []].insert(index)
        }
      } else if !live.isEmpty {
        let position = random.below(live.count)
        let (tuple, index) = live.remove(at: position)
        var addresses6 = FlowAddresses6()
        table.remove(index, hash: tuple.key(&addresses6).hash)
        model[tuple]?.remove(index)
      }
      let found = table.find(key, addresses6) { _ in true }
      let expected = model[tuple] ?? []
      let isRight = expected.isEmpty ? found == FlowTable.none : expected.contains(found)
      let guess = probe(table, policies, key)
      let isGuessRight =
        guess == FlowTable.unknown || (guess == FlowTable.none ? expected.isEmpty : guess < records)
      guard isRight, isGuessRight else {
        Issue.record("records \(records) step \(step): found \(found), probed \(guess), have \(expected)")
        return
      }
      if step % 500 == 0 {
        let problems = table.checkInvariants(secret: Self.secret)
        guard problems.isEmpty else {
          Issue.record("records \(records) step \(step): \(problems)")
          return
        }
        for (tuple, index) in live {
          var addresses6 = FlowAddresses6()
          let key = tuple.key(&addresses6)
          let isThere = table.find(key, addresses6) { $0 == index } == index
          let isItself = table.matches(index, key, addresses6)
          #expect(isThere && isItself)
        }
      }
    }
    for (tuple, index) in live {
      var addresses6 = FlowAddresses6()
      table.remove(index, hash: tuple.key(&addresses6).hash)
    }
    let (left, problems) = (table.count, table.checkInvariants(secret: Self.secret))
    #expect(left == 0 && problems == [])
  }

  @Test func `full of 100 000 records and after long churn searches stay short`() throws {
    let records = 100_000
    var random = SplitMix64(state: 7)
    var table = try required(FlowTable(recordCount: UInt32(records)))
    var live: [(tuple: Tuple, index: UInt32)] = []

    func fill(_ table: inout FlowTable, to count: Int) {
      while live.count < count {
        var addresses6 = FlowAddresses6()
        let tuple = Tuple(low: random.next() >> 16, isIPv6: random.oneIn(4))
        let index = table.insert(tuple.key(&addresses6), addresses6)
        live.append((tuple, index))
      }
    }
    func hits(_ table: borrowing FlowTable) -> Double {
      Double(live.reduce(0) { $0 + table.probeLength(of: $1.index, secret: Self.secret) })
        / Double(live.count)
    }
    func misses(_ table: borrowing FlowTable) -> (mean: Double, longest: Int) {
      var (sum, longest) = (0, 0)
      for start in 0..<table.memory.bucketCount {
        var (bucket, length) = (start, 1)
        while table.memory.overflow(bucket) != 0 {
          bucket = table.next(bucket)
          length += 1
        }
        sum += length
        longest = max(longest, length)
      }
      return (Double(sum) / Double(table.memory.bucketCount), longest)
    }

    for percent in [75, 88, 94, 97, 100] {
      fill(&table, to: records * percent / 100)
      let (mean, longest) = misses(table)
      let mine = hits(table)
      print("flow table \(percent) % of records: \(mine) buckets a hit, \(mean) a miss, longest \(longest)")
      #expect(mine < 2 && mean < 6 && longest < 100)
    }
    var addresses6 = FlowAddresses6()
    let refused = table.insert(Tuple(low: .max, isIPv6: false).key(&addresses6), addresses6)
    #expect(refused == FlowTable.none)
    for (tuple, index) in live {
      let key = tuple.key(&addresses6)
      let found = table.find(key, addresses6) { $0 == index }
      #expect(found == index)
    }
    let (before, beforeMiss) = (hits(table), misses(table).mean)
    for _ in 0..<30 {
      for _ in 0..<records / 5 {
        let position = random.below(live.count)
        live.swapAt(position, live.count - 1)
        let (tuple, index) = live.removeLast()
        table.remove(index, hash: tuple.key(&addresses6).hash)
      }
      fill(&table, to: records)
    }
    let (after, afterMiss) = (hits(table), misses(table).mean)
    print("flow table after 600 000 replacements: \(after) buckets a hit, \(afterMiss) a miss")
    #expect(after < before * 1.2 && afterMiss < beforeMiss * 1.2)
    let problems = table.checkInvariants(secret: Self.secret)
    #expect(problems == [])
  }

  @Test func `IPv4 takes records from the bottom, IPv6 from the top, each the other's when its own are gone`()
    throws
  {
    var table = try required(FlowTable(recordCount: 4))
    var addresses6 = FlowAddresses6()
    var taken: [UInt32] = []
    for (low, isIPv6) in [(1, false), (2, true), (3, true), (4, true)] as [(UInt64, Bool)] {
      taken.append(table.insert(Tuple(low: low, isIPv6: isIPv6).key(&addresses6), addresses6))
    }
    table.remove(3, hash: Tuple(low: 2, isIPv6: true).key(&addresses6).hash)
    for low: UInt64 in [5, 6] {
      taken.append(table.insert(Tuple(low: low, isIPv6: false).key(&addresses6), addresses6))
    }
    #expect(taken == [0, 3, 2, 1, 3, FlowTable.none])
    let problems = table.checkInvariants(secret: Self.secret)
    #expect(problems == [])
  }
}
