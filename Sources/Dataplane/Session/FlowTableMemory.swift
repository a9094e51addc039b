import CLinuxPacket

/// The flow table's memory: buckets, session records, details and IPv6 addresses in one allocation.
///
/// Positions only, no pointers, so that the allocation can move or be mapped again. This file and
/// `FlowFastPath`, to which it lends addresses for a pass, turn positions into addresses, and check each
/// one. Owned by one worker.
@safe package struct FlowTableMemory: ~Copyable {
  /// A bucket line: eight 16-bit tags, eight 32-bit record indices, an overflow count, eight distances
  /// from home. 64 bytes.
  package enum Bucket {
    package static let slots = 8
    static let byteCount = 64
    static let indexOffset = 16
    static let overflowOffset = 48
    static let distanceOffset = 52
  }

  // First, and a pointer: Swift 6.3.1 for ThreadSanitizer takes the first field of a borrowed struct for an
  // address where `nonmutating _modify` is called, and produces invalid code if it is none.
  private let base: UnsafeMutableRawPointer
  package let bucketCount: UInt32
  package let recordCount: UInt32
  private let buckets: UnsafeMutableRawPointer
  private let records: UnsafeMutablePointer<SessionRecord>
  private let details: UnsafeMutablePointer<SessionDetail>
  private let addresses: UnsafeMutablePointer<FlowAddresses6>
  /// Where a shard in a file notes which records are in use; nil without a file.
  private let marks: ShardMarks?
  /// Size of the mapping at `base` in bytes; pages that were never touched take no memory.
  private let byteCount: Int

  /// Bytes that a session takes: a record, its details, room for two IPv6 addresses, its share of a bucket
  /// line of which seven of eight places are filled.
  package static var bytesPerRecord: Int {
    MemoryLayout<SessionRecord>.stride + MemoryLayout<SessionDetail>.stride
      + MemoryLayout<FlowAddresses6>.stride + Bucket.byteCount / (Bucket.slots - 1)
  }

  /// - Parameter shard: the file that has all but the buckets, which outlives this; nil for memory.
  /// - Returns: nil when the kernel has no address space for it.
  package init?(recordCount: UInt32, bucketCount: UInt32, shard: ShardMapping? = nil) {
    precondition(MemoryLayout<SessionRecord>.stride == 64 && MemoryLayout<SessionDetail>.stride <= 48)
    self.recordCount = recordCount
    self.bucketCount = bucketCount
    let layout = ShardLayout(recordCount: recordCount)
    let bucketBytes = ShardLayout.rounded(Int(bucketCount) * Bucket.byteCount)
    byteCount = bucketBytes + (shard == nil ? layout.sessionBytes : 0)
    guard let base = unsafe HugeMemory.map(byteCount: byteCount) else { return nil }
    unsafe self.base = base
    unsafe buckets = base
    precondition(shard?.holds(recordCount) ?? true, "a shard of another size")
    marks = shard?.marks
    let body = unsafe shard?.sessions ?? base + bucketBytes
    // SAFETY: the three regions follow one another inside the mapping, each aligned to 2 MB.
    unsafe records = body.assumingMemoryBound(to: SessionRecord.self)
    unsafe details = (body + layout.recordBytes).assumingMemoryBound(to: SessionDetail.self)
    unsafe addresses = (body + layout.recordBytes + layout.detailBytes)
      .assumingMemoryBound(to: FlowAddresses6.self)
  }

  deinit { unsafe HugeMemory.unmap(base, byteCount: byteCount) }

  /// All of it but the IPv6 addresses, which may never be used.
  package var commonPages: [PageRange] {
    let body = unsafe UnsafeMutableRawPointer(records)
    let bodyBytes = unsafe UnsafeMutableRawPointer(addresses) - body
    // SAFETY: buckets, then records and details, in one mapping or two.
    let bucketBytes = ShardLayout.rounded(Int(bucketCount) * Bucket.byteCount)
    return unsafe [
      PageRange(start: buckets, byteCount: bucketBytes), PageRange(start: body, byteCount: bodyBytes),
    ]
  }

  /// Notes that records below `low`, and from `high` on, may be in use.
  package func noteFresh(low: UInt32, high: UInt32) { marks?.noteFresh(low: low, high: high) }

  // MARK: Records

  /// The line of record `index`, below `recordCount`.
  package subscript(index: UInt32) -> SessionRecord {
    // SAFETY: `checked` keeps the index below `recordCount`.
    @inline(__always) unsafeAddress { unsafe UnsafePointer(records + checked(index)) }
    @inline(__always) nonmutating _modify { yield unsafe &(records + checked(index)).pointee }
  }

  package subscript(detail index: UInt32) -> SessionDetail {
    @inline(__always) unsafeAddress { unsafe UnsafePointer(details + checked(index)) }
    @inline(__always) nonmutating _modify { yield unsafe &(details + checked(index)).pointee }
  }

  /// The addresses of the IPv6 session at `index`. They lie in reverse order, as IPv6 sessions take
  /// records from the top: IPv4 sessions then fault in none of this memory.
  package subscript(addresses6 index: UInt32) -> FlowAddresses6 {
    @inline(__always) unsafeAddress {
      unsafe UnsafePointer(addresses + (Int(recordCount) - 1 - checked(index)))
    }
    @inline(__always) nonmutating _modify {
      yield unsafe &(addresses + (Int(recordCount) - 1 - checked(index))).pointee
    }
  }

  /// Hints that record and detail `index` are about to be read.
  package func prefetchSession(_ index: UInt32) {
    // Only a hint, which no address is wrong for.
    unsafe sluice_prefetch_write(records + Int(index))
    prefetchDetail(index)
  }

  /// The same of the detail alone.
  package func prefetchDetail(_ index: UInt32) { unsafe sluice_prefetch_write(details + Int(index)) }

  /// The line of record `index` as a value, for the length of one step of the packet path.
  @inline(__always) package func line(_ index: UInt32) -> SessionLine {
    // SAFETY: checked; the line is not kept beyond the step, and only `deinit` unmaps.
    unsafe SessionLine(records + checked(index))
  }

  /// What looks up and counts ordinary packets, for the length of one pass.
  @inline(__always) package func fastPath(_ policies: borrowing SessionPolicyTable) -> FlowFastPath {
    // SAFETY: as for `line`.
    unsafe FlowFastPath(
      buckets: buckets, bucketCount: bucketCount, recordCount: recordCount, records: records,
      details: details, lastAddresses: addresses + (Int(recordCount) - 1), rules: policies.fastPathRules)
  }

  @inline(__always) private func checked(_ index: UInt32) -> Int {
    precondition(index < recordCount, "record index outside the flow table")
    return Int(index)
  }

  // MARK: Buckets

  /// Hints that bucket `bucket`, below the count, will be read.
  @inline(__always) package func prefetchBucket(_ bucket: UInt32) {
    unsafe sluice_prefetch_read(buckets + Int(bucket) &* Bucket.byteCount)
  }

  /// Bit i is set when slot i holds `tag`; `tag` 0 finds the free slots.
  @inline(__always) package func slots(_ bucket: UInt32, matching tag: UInt16) -> UInt32 {
    // SAFETY: a bucket line is 64-byte aligned and starts with its eight tags.
    unsafe sluice_match_tags8(bucketLine(bucket).assumingMemoryBound(to: UInt16.self), tag)
  }

  @inline(__always) package func recordIndex(_ bucket: UInt32, slot: Int) -> UInt32 {
    unsafe bucketLine(bucket).load(fromByteOffset: Bucket.indexOffset + 4 * (slot & 7), as: UInt32.self)
  }

  @inline(__always) package func overflow(_ bucket: UInt32) -> UInt32 {
    unsafe bucketLine(bucket).load(fromByteOffset: Bucket.overflowOffset, as: UInt32.self)
  }

  package func setOverflow(_ bucket: UInt32, to count: UInt32) {
    unsafe bucketLine(bucket).storeBytes(of: count, toByteOffset: Bucket.overflowOffset, as: UInt32.self)
  }

  /// Puts `tag` and `index` into a slot, `distance` buckets after the key's home; tag 0 frees it.
  package func setSlot(_ bucket: UInt32, slot: Int, tag: UInt16, index: UInt32, distance: UInt8) {
    let line = unsafe bucketLine(bucket)
    unsafe line.storeBytes(of: distance, toByteOffset: Bucket.distanceOffset + (slot & 7), as: UInt8.self)
    unsafe line.storeBytes(of: tag, toByteOffset: 2 * (slot & 7), as: UInt16.self)
    unsafe line.storeBytes(of: index, toByteOffset: Bucket.indexOffset + 4 * (slot & 7), as: UInt32.self)
  }

  package func tag(_ bucket: UInt32, slot: Int) -> UInt16 {
    unsafe bucketLine(bucket).load(fromByteOffset: 2 * (slot & 7), as: UInt16.self)
  }

  /// Buckets between the slot's key and its home; 255 stands for that many or more.
  package func distance(_ bucket: UInt32, slot: Int) -> UInt8 {
    unsafe bucketLine(bucket).load(fromByteOffset: Bucket.distanceOffset + (slot & 7), as: UInt8.self)
  }

  @inline(__always) private func bucketLine(_ bucket: UInt32) -> UnsafeMutableRawPointer {
    precondition(bucket < bucketCount, "bucket outside the flow table")
    return unsafe buckets + Int(bucket) * Bucket.byteCount
  }
}
