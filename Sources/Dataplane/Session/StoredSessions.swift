/// The sessions of a shard that is only read: one of another number of workers or capacity.
package struct StoredSessions: ~Copyable {
  private let shard: ShardMapping
  private let memory: FlowTableMemory
  private let policies = LookedAt()

  /// Policies by index, as they were found: a few serve all sessions.
  private final class LookedAt {
    var policies: [UInt32: SessionPolicy?] = [:]
  }

  /// - Returns: nil when the kernel has no address space for it.
  package init?(_ shard: ShardMapping) {
    let recordCount = shard.header.recordCount
    guard let memory = FlowTableMemory(recordCount: recordCount, bucketCount: 1, shard: shard) else {
      return nil
    }
    self.shard = shard
    self.memory = memory
  }

  /// Calls `body` with every whole session and its flow hash; policies are not looked at.
  func forEach(at time: PacketTime, _ body: (UInt32, FlowHash) -> Void) {
    forEachRecord { index in
      if let hash = memory.storedHash(index, shard.header, at: time) { body(index, hash) }
    }
  }

  private func forEachRecord(_ body: (UInt32) -> Void) {
    let (low, high) = shard.fresh
    for index in 0..<low { body(index) }
    for index in high..<max(high, shard.header.recordCount) { body(index) }
  }

  /// What a table that takes a session over has to do with it.
  enum Standing: CaseIterable {
    /// It needs room.
    case live
    /// It was idle for its timeout meanwhile: it ends at once, and only is reported if there is room.
    case overdue
    case closed
  }

  func standing(_ index: UInt32, at time: PacketTime) -> Standing {
    let record = memory[index]
    if record.state.isClosed { return .closed }
    guard let policy = policy(record.policy) else { return .live }
    return time.nanoseconds &- record.lastSeen >= policy.timeout(in: record.state) ? .overdue : .live
  }

  /// Live sessions: what a table that takes all of them needs room for.
  package func countLive(at time: PacketTime) -> Int {
    var count = 0
    forEach(at: time) { index, _ in if standing(index, at: time) == .live { count += 1 } }
    return count
  }

  /// Records in use that are no whole session.
  func countDamaged(at time: PacketTime) -> Int {
    var count = 0
    forEachRecord { index in
      if memory.isInUse(index), memory.storedHash(index, shard.header, at: time) == nil { count += 1 }
    }
    return count
  }

  /// What there is of a whole session.
  subscript(index: UInt32) -> (record: SessionRecord, detail: SessionDetail, addresses6: FlowAddresses6) {
    let record = memory[index]
    let addresses6 = record.kind.isIPv6 ? memory[addresses6: index] : FlowAddresses6()
    return (record, memory[detail: index], addresses6)
  }

  func policy(_ index: UInt32) -> SessionPolicy? {
    if let known = policies.policies[index] { return known }
    let found = shard.policy(index)
    policies.policies[index] = .some(found)
    return found
  }
}
