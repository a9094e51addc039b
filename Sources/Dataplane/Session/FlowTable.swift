import Synchronization

/// An open-addressing table from flow key to session record, in one allocation.
///
/// A bucket is one cache line of eight tags and record indices, compared at once; a key that finds its
/// bucket full goes on to the next ones and leaves a count behind in each, so that a lookup knows where
/// to stop. A removal moves a key that went past back into the free slot: the table is as if the removed
/// key had never been there (no tombstones, no wear). A miss costs about one cache line, a hit two.
/// docs/decisions/0005. Owned by one worker.
package struct FlowTable: ~Copyable {
  /// No record.
  package static let none = UInt32.max

  package var memory: FlowTableMemory
  /// Records in use: live and lingering.
  package private(set) var count: UInt32 = 0
  /// Rises with every insertion, so that a burst knows whether an earlier miss still holds.
  package private(set) var insertions: UInt64 = 0
  private var freshLow: UInt32 = 0
  private var freshHigh: UInt32
  private(set) var freeIPv4 = FlowTable.none
  private(set) var freeIPv6 = FlowTable.none

  /// - Parameters:
  ///   - recordCount: sessions it can hold, 1...4 000 000 000.
  ///   - shard: where they lie, if in a file; what is there already comes back by `adopt`.
  /// - Returns: nil when the kernel has no address space for it.
  package init?(recordCount: UInt32, shard: ShardMapping? = nil) {
    // 7 of 8 slots in use when every record is: 87.5 % load.
    let buckets = max(2, UInt32((UInt64(recordCount) + 6) / 7))
    guard let memory = FlowTableMemory(recordCount: recordCount, bucketCount: buckets, shard: shard) else {
      return nil
    }
    self.memory = memory
    freshHigh = recordCount
  }

  package var recordCount: UInt32 { memory.recordCount }

  // MARK: Lookup

  /// Hints that the flow's bucket is about to be searched.
  ///
  /// - Returns: the bucket, which `FlowFastPath` looks into.
  @inline(__always) package func prefetchBucket(_ hash: FlowHash) -> UInt32 {
    let bucket = hash.bucket(of: memory.bucketCount)
    memory.prefetchBucket(bucket)
    return bucket
  }

  /// A probe's answer that only `find` can tell.
  package static let unknown = UInt32.max - 1

  /// Whether record `index` is in use by exactly this tuple (in either direction).
  @inline(__always)
  package func matches(_ index: UInt32, _ key: FlowKey, _ addresses6: FlowAddresses6) -> Bool {
    guard memory.line(index).matches(key) else { return false }
    return !key.kind.isIPv6 || memory[addresses6: index] == addresses6
  }

  /// The first record of the tuple for which `accept` holds; `none` when there is none.
  ///
  /// Several sessions may have one tuple, on different LIFs.
  @inline(__always)
  package func find(
    _ key: FlowKey, _ addresses6: FlowAddresses6, where accept: (UInt32) -> Bool
  ) -> UInt32 {
    var bucket = key.hash.bucket(of: memory.bucketCount)
    for _ in 0..<memory.bucketCount {
      var matching = memory.slots(bucket, matching: key.hash.tag)
      while matching != 0 {
        let index = memory.recordIndex(bucket, slot: matching.trailingZeroBitCount)
        if matches(index, key, addresses6), accept(index) { return index }
        matching &= matching - 1
      }
      if memory.overflow(bucket) == 0 { return Self.none }
      bucket = next(bucket)
    }
    return Self.none
  }

  // MARK: Insertion and removal

  /// Takes a record for the key and enters it. The caller fills in the rest of record and detail.
  ///
  /// - Returns: `none` when all records are in use.
  package mutating func insert(_ key: FlowKey, _ addresses6: FlowAddresses6) -> UInt32 {
    guard let index = takeRecord(isIPv6: key.kind.isIPv6) else { return Self.none }
    enter(index, key.hash)
    var record = SessionRecord.free
    record.addresses = key.addresses
    record.ports = key.ports
    record.kind = key.kind
    memory[index] = record
    if key.kind.isIPv6 { memory[addresses6: index] = addresses6 }
    count += 1
    insertions &+= 1
    return index
  }

  /// Enters a record into the bucket of its hash, or the next one with a free slot.
  private func enter(_ index: UInt32, _ hash: FlowHash) {
    var bucket = hash.bucket(of: memory.bucketCount)
    var free = memory.slots(bucket, matching: 0)
    var distance = 0
    // Ends: there are more slots than records.
    while free == 0 {
      memory.setOverflow(bucket, to: memory.overflow(bucket) &+ 1)
      bucket = next(bucket)
      distance += 1
      free = memory.slots(bucket, matching: 0)
    }
    memory.setSlot(
      bucket, slot: free.trailingZeroBitCount, tag: hash.tag, index: index,
      distance: UInt8(clamping: distance))
  }

  /// Frees record `index`, whose flow hash is `hash`.
  package mutating func remove(_ index: UInt32, hash: FlowHash) {
    var bucket = hash.bucket(of: memory.bucketCount)
    for _ in 0..<memory.bucketCount {
      var matching = memory.slots(bucket, matching: hash.tag)
      while matching != 0 {
        let slot = matching.trailingZeroBitCount
        if memory.recordIndex(bucket, slot: slot) == index {
          memory.setSlot(bucket, slot: slot, tag: 0, index: 0, distance: 0)
          fill(bucket, slot: slot)
          giveBackRecord(index)
          count -= 1
          return
        }
        matching &= matching - 1
      }
      precondition(memory.overflow(bucket) > 0, "a record is not in its bucket chain")
      memory.setOverflow(bucket, to: memory.overflow(bucket) - 1)
      bucket = next(bucket)
    }
    preconditionFailure("a record is not in the flow table")
  }

  /// Moves keys that had to pass `bucket` back: one into its free slot, another into that one's, and so on.
  private func fill(_ bucket: UInt32, slot: Int) {
    var (hole, holeSlot) = (bucket, slot)
    while memory.overflow(hole) > 0, let (from, fromSlot, steps) = nearestPast(hole) {
      memory.setSlot(
        hole, slot: holeSlot, tag: memory.tag(from, slot: fromSlot),
        index: memory.recordIndex(from, slot: fromSlot),
        distance: memory.distance(from, slot: fromSlot) - steps)
      memory.setSlot(from, slot: fromSlot, tag: 0, index: 0, distance: 0)
      while hole != from {
        memory.setOverflow(hole, to: memory.overflow(hole) - 1)
        hole = next(hole)
      }
      holeSlot = fromSlot
    }
  }

  /// The nearest key that lies `steps` buckets after `hole` and belongs there or before it. Nil when there
  /// is none within reach of a distance byte: then the key stays where it is, found all the same.
  private func nearestPast(_ hole: UInt32) -> (bucket: UInt32, slot: Int, steps: UInt8)? {
    var bucket = hole
    for steps in 1..<UInt8.max {
      bucket = next(bucket)
      if bucket == hole { return nil }
      for slot in 0..<FlowTableMemory.Bucket.slots {
        let distance = memory.distance(bucket, slot: slot)
        if distance >= steps, distance != .max { return (bucket, slot, steps) }
      }
    }
    return nil
  }

  @inline(__always) package func next(_ bucket: UInt32) -> UInt32 {
    bucket + 1 == memory.bucketCount ? 0 : bucket + 1
  }

  // MARK: Records

  /// IPv4 takes records from the bottom, IPv6 from the top, so that a table of one family faults in no
  /// memory of the other. When one end is used up each takes what is free.
  private mutating func takeRecord(isIPv6: Bool) -> UInt32? {
    if isIPv6 {
      if let index = popIPv6() { return index }
      if freshLow < freshHigh {
        freshHigh -= 1
        memory.noteFresh(low: freshLow, high: freshHigh)
        return freshHigh
      }
      return popIPv4()
    }
    if let index = popIPv4() { return index }
    if freshLow < freshHigh {
      freshLow += 1
      memory.noteFresh(low: freshLow, high: freshHigh)
      return freshLow - 1
    }
    return popIPv6()
  }

  private mutating func popIPv4() -> UInt32? {
    guard freeIPv4 != Self.none else { return nil }
    let index = freeIPv4
    freeIPv4 = memory[detail: index].next
    return index
  }

  private mutating func popIPv6() -> UInt32? {
    guard freeIPv6 != Self.none else { return nil }
    let index = freeIPv6
    freeIPv6 = memory[detail: index].next
    return index
  }

  private mutating func giveBackRecord(_ index: UInt32) {
    giveBackRecord(index, isIPv6: memory[index].kind.isIPv6)
  }

  private mutating func giveBackRecord(_ index: UInt32, isIPv6: Bool) {
    memory[index].kind = .none
    memory[index].addresses = 0
    if isIPv6 {
      memory[detail: index].next = freeIPv6
      freeIPv6 = index
    } else {
      memory[detail: index].next = freeIPv4
      freeIPv4 = index
    }
  }

  // MARK: What a file says of records

  /// Says that session `index` is complete: whoever maps its file after this process was killed finds it.
  @inline(__always) package func commit(_ index: UInt32) {
    let mark = memory[index].mark(start: memory[detail: index].start)
    atomicMemoryFence(ordering: .releasing)
    memory[detail: index].mark = mark
  }

  /// Says that session `index` is none any more, before anything of it changes.
  @inline(__always) package func retract(_ index: UInt32) {
    memory[detail: index].mark = 0
    atomicMemoryFence(ordering: .releasing)
  }

  /// Takes records below `low`, and from `high` on, for used ones: `adopt` or `discard` comes for each.
  package mutating func resume(low: UInt32, high: UInt32) {
    precondition(count == 0 && low <= high && high <= recordCount, "not a fresh table")
    freshLow = low
    freshHigh = high
    memory.noteFresh(low: low, high: high)
  }

  /// Enters a record that is there, whose flow hash is `hash`.
  package mutating func adopt(_ index: UInt32, _ hash: FlowHash) {
    enter(index, hash)
    count += 1
  }

  /// Makes a record free that is no session.
  package mutating func discard(_ index: UInt32) {
    retract(index)
    giveBackRecord(index, isIPv6: index >= freshHigh)
  }

  /// Whether record `index` was ever used: only then its memory has been touched.
  package func isTouched(_ index: UInt32) -> Bool {
    index < freshLow || (index >= freshHigh && index < recordCount)
  }

  /// The first touched record at or after `index`, for walks over all sessions; nil at the end.
  package func firstTouched(from index: UInt32) -> UInt32? {
    if index < freshLow { return index }
    let candidate = max(index, freshHigh)
    return candidate < recordCount ? candidate : nil
  }
}
