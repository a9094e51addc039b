import Synchronization

/// A shard's file in memory. Whoever has tables in it keeps it.
@safe package final class ShardMapping: @unchecked Sendable {
  // SAFETY (@unchecked): what is in a writable one belongs to one worker; one that is only read has no
  // writer.
  private let base: UnsafeMutableRawPointer
  private let byteCount: Int
  private let isMapped = Atomic<Bool>(true)
  package let header: ShardHeader
  /// Whether it may have sessions already.
  package let isOld: Bool

  /// - Parameters:
  ///   - header: the file's.
  ///   - isWritable: false for one whose sessions are only looked at.
  ///   - isOld: false for a file that was made just now.
  /// - Returns: nil when the kernel refuses.
  package init?(descriptor: Int32, header: ShardHeader, isWritable: Bool, isOld: Bool) {
    byteCount = ShardLayout(recordCount: header.recordCount).byteCount
    let mapped = unsafe HugeMemory.map(
      descriptor: descriptor, byteCount: byteCount, isWritable: isWritable)
    guard let base = unsafe mapped else { return nil }
    unsafe self.base = base
    self.header = header
    self.isOld = isOld
    if !isOld { marks.noteFresh(low: 0, high: header.recordCount) }
  }

  deinit { unmap() }

  /// Gives the memory back; nothing of it may be looked at any more.
  package func unmap() {
    guard isMapped.exchange(false, ordering: .relaxed) else { return }
    unsafe HugeMemory.unmap(base, byteCount: byteCount)
  }

  func holds(_ recordCount: UInt32) -> Bool { header.recordCount == recordCount }

  // SAFETY: offsets of the layout, inside the mapping.

  var marks: ShardMarks { unsafe ShardMarks(base + Self.marksOffset) }
  @unsafe var policies: UnsafeMutableRawPointer { unsafe base + ShardLayout.policyOffset }
  @unsafe var sessions: UnsafeMutableRawPointer { unsafe base + ShardLayout.sessionOffset }

  /// Behind the header, in lines of their own.
  private static var marksOffset: Int { 512 }

  /// Which records may be in use: all, where that is damaged.
  var fresh: (low: UInt32, high: UInt32) {
    let all = header.recordCount
    guard let fresh = marks.fresh, fresh.high <= all else { return (all, all) }
    return fresh
  }

  /// The policy at `index`; nil when it is none.
  func policy(_ index: UInt32) -> SessionPolicy? {
    guard Int(index) < SessionPolicyTable.capacity else { return nil }
    // SAFETY: below the capacity; bytes, until they have proved to be a policy.
    let size = MemoryLayout<SessionPolicy>.stride
    return unsafe SessionPolicy(
      stored: UnsafeRawBufferPointer(start: policies + Int(index) * size, count: size))
  }

  /// Has the kernel map the pages of records and details up to `low` and from `high` on, all at once: that
  /// takes a fraction of a fault for each.
  func populate() {
    let layout = ShardLayout(recordCount: header.recordCount)
    for (start, size) in [
      (0, MemoryLayout<SessionRecord>.stride), (layout.recordBytes, MemoryLayout<SessionDetail>.stride),
    ] {
      let (low, high) = (Int(fresh.low) * size, Int(fresh.high) * size)
      // SAFETY: inside the two regions.
      unsafe populate(sessions + start, from: 0, to: low)
      unsafe populate(sessions + start, from: high, to: Int(header.recordCount) * size)
    }
  }

  private func populate(_ start: UnsafeMutableRawPointer, from: Int, to end: Int) {
    let from = from & ~(Self.smallestPage - 1)
    if from < end { unsafe HugeMemory.populateExactly(start + from, byteCount: end - from) }
  }

  private static var smallestPage: Int { 65_536 }
}
