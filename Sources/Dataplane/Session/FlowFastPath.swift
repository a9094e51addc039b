import CLinuxPacket

/// The ordinary case on the spot: packets that neither open nor close, of established sessions that forward.
/// Everything else takes the long way through `SessionTable`.
///
/// Copies of the table's and the burst's addresses for the length of one pass: the compiler then keeps them
/// in registers.
@safe package struct FlowFastPath {
  private let buckets: UnsafeRawPointer
  private let bucketCount: UInt32
  private let recordCount: UInt32
  private let records: UnsafeMutablePointer<SessionRecord>
  private let details: UnsafeMutablePointer<SessionDetail>
  private let lastAddresses: UnsafeMutablePointer<FlowAddresses6>
  private let rules: UnsafePointer<ForwardRules>

  /// - Safety: all pointers stay valid as long as this value is used; `buckets` has room for `bucketCount`,
  ///   the others for `recordCount`, `lastAddresses` downwards.
  @unsafe @inline(__always) init(
    buckets: UnsafeRawPointer, bucketCount: UInt32, recordCount: UInt32,
    records: UnsafeMutablePointer<SessionRecord>, details: UnsafeMutablePointer<SessionDetail>,
    lastAddresses: UnsafeMutablePointer<FlowAddresses6>, rules: UnsafePointer<ForwardRules>
  ) {
    unsafe self.buckets = buckets
    self.bucketCount = bucketCount
    self.recordCount = recordCount
    unsafe self.records = records
    unsafe self.details = details
    unsafe self.lastAddresses = lastAddresses
    unsafe self.rules = rules
  }

  /// What a pass works on.
  struct Burst {
    let packets: FixedArrayView<SessionPacket>
    let addresses6: FixedArrayView<FlowAddresses6>
    let count: Int
    /// By port, the verdict (`Verdict.word`) when the session names no LIF to leave by.
    let peers: FixedArrayView<UInt64>
    let verdicts: FixedArrayView<Verdict>
  }

  /// Packets between looking a record up, which has its line fetched, and touching that line: enough to
  /// cover a memory access, few enough not to wait for free line-fill buffers.
  private static var lookahead: Int { 16 }
  /// Packets looked up in one go: two short loops keep more in registers than one long one. With IPv6, which
  /// has two lines a packet fetched, 16 would ask for more lines at once than there are line-fill buffers.
  @inline(__always) private static func stride(hasIPv6: Bool) -> Int { hasIPv6 ? 8 : 16 }
  /// Buckets behind its home in which a key is looked for here.
  private static var furthest: Int { 4 }

  /// Takes packets from position `first` on.
  ///
  /// - Parameters:
  ///   - probed: packets that were looked up already.
  ///   - families: which code runs: that for IPv4 alone asks nothing about IPv6.
  /// - Returns: the position of the first that is not ordinary, and that nothing was done for; the count when
  ///   all are.
  @inline(never)
  func run<Families: FlowFamilies>(
    _ burst: Burst, from first: Int, _ probed: inout Int, _ families: Families.Type
  ) -> Int {
    var position = first
    var ahead = probed
    while position < burst.count {
      let end = min(position &+ Self.stride(hasIPv6: Families.hasIPv6), burst.count)
      let wanted = min(end &+ Self.lookahead, burst.count)
      if ahead < wanted {
        // SAFETY: wanted <= the burst's count, which is at most the capacity.
        unsafe probe(burst.packets.start + ahead, burst.packets.start + wanted, hasIPv6: Families.hasIPv6)
        ahead = wanted
      }
      position = forward(burst, from: position, to: end, hasIPv6: Families.hasIPv6)
      if position < end { break }
    }
    probed = ahead
    return position
  }

  /// Looks for the records of the packets from `first` up to `end`, which is behind it.
  @inline(__always)
  private func probe(
    _ first: UnsafeMutablePointer<SessionPacket>, _ end: UnsafeMutablePointer<SessionPacket>, hasIPv6: Bool
  ) {
    var packet = unsafe first
    repeat {
      unsafe probe(&packet.pointee, hasIPv6: hasIPv6)
      unsafe packet += 1
    } while unsafe packet < end
  }

  /// Looks for a packet's record in its bucket (`candidate`), now in the cache, and has the record fetched.
  ///
  /// Leaves a record to be verified, `FlowTable.none` when the flow is surely absent, or
  /// `FlowTable.unknown`. A later packet's guess may be stale by its turn: sessions opened meanwhile raise
  /// the table's count of insertions, and a record that was freed or taken anew does not match.
  @inline(__always)
  package func probe(_ packet: inout SessionPacket, hasIPv6: Bool) {
    let bucket = packet.candidate
    precondition(bucket < bucketCount, "bucket outside the flow table")
    // SAFETY: checked; a bucket line is 64-byte aligned and begins with its tags.
    let line = unsafe buckets + Int(bucket) &* FlowTableMemory.Bucket.byteCount
    let tags = unsafe line.assumingMemoryBound(to: UInt16.self)
    let found = unsafe sluice_tag_pairs8(tags, packet.key.hash.tag)
    guard _fastPath(found != 0) else {
      probeFurther(&packet, hasIPv6)
      return
    }
    // Two bits a slot: twice the slot's number, half its index's offset.
    let offset = FlowTableMemory.Bucket.indexOffset &+ 2 &* found.trailingZeroBitCount
    packet.candidate = fetched(unsafe line.load(fromByteOffset: offset, as: UInt32.self), hasIPv6)
  }

  /// Has the record of a candidate fetched, and answers the candidate.
  @inline(__always)
  private func fetched(_ candidate: UInt32, _ hasIPv6: Bool) -> UInt32 {
    // Only hints: nothing is read there before the index has been checked.
    unsafe sluice_prefetch_write(records + Int(candidate))
    if hasIPv6 { unsafe sluice_prefetch_read(lastAddresses - Int(candidate)) }
    return candidate
  }

  /// The same for a packet whose tag is not in its home bucket: where that has overflowed, looks on in the
  /// buckets behind.
  @inline(never)
  private func probeFurther(_ packet: inout SessionPacket, _ hasIPv6: Bool) {
    var bucket = packet.candidate
    packet.candidate = FlowTable.unknown
    for _ in 0..<Self.furthest {
      // SAFETY: the bucket is below the count, the home bucket as `probe` has checked.
      var line = unsafe buckets + Int(bucket) &* FlowTableMemory.Bucket.byteCount
      if unsafe line.load(fromByteOffset: FlowTableMemory.Bucket.overflowOffset, as: UInt32.self) == 0 {
        packet.candidate = FlowTable.none
        return
      }
      bucket = bucket &+ 1 < bucketCount ? bucket &+ 1 : 0
      unsafe line = buckets + Int(bucket) &* FlowTableMemory.Bucket.byteCount
      let found = unsafe sluice_tag_pairs8(line.assumingMemoryBound(to: UInt16.self), packet.key.hash.tag)
      if found != 0 {
        let offset = FlowTableMemory.Bucket.indexOffset &+ 2 &* found.trailingZeroBitCount
        packet.candidate = fetched(unsafe line.load(fromByteOffset: offset, as: UInt32.self), hasIPv6)
        return
      }
    }
  }

  /// Counts packets `first..<end` into their sessions and decides them, as long as they are ordinary.
  ///
  /// Steps by addresses, so that there is one to keep.
  ///
  /// - Returns: the position of the first that is not, and that nothing was done for; `end` if all are.
  @inline(__always)
  private func forward(_ burst: Burst, from first: Int, to end: Int, hasIPv6: Bool) -> Int {
    // SAFETY: first <= end <= the burst's count, which is at most the capacity.
    var packet = unsafe burst.packets.start + first
    let last = unsafe burst.packets.start + end
    let peers = unsafe burst.peers.start
    let verdicts = burst.verdicts
    while unsafe packet < last {
      let candidate = unsafe packet.pointee.candidate
      if hasIPv6, candidate < recordCount, unsafe packet.pointee.key.kind.isIPv6,
        unsafe (lastAddresses - Int(candidate)).pointee
          != burst.addresses6[packet - burst.packets.start]
      {
        break
      }
      guard unsafe take(packet, candidate, peers, verdicts) else { break }
      unsafe packet += 1
    }
    return unsafe packet - burst.packets.start
  }

  /// Counts a packet into the session of record `candidate` and decides it, if it is ordinary. IPv6 addresses
  /// were compared.
  ///
  /// - Returns: false when it is not ordinary: then nothing was done.
  @inline(__always)
  private func take(
    _ packet: UnsafePointer<SessionPacket>, _ candidate: UInt32, _ peers: UnsafePointer<UInt64>,
    _ verdicts: FixedArrayView<Verdict>
  ) -> Bool {
    guard candidate < recordCount else { return false }
    // SAFETY: candidate < recordCount.
    let line = unsafe SessionLine(records + Int(candidate))
    let key = unsafe packet.pointee.key
    // SAFETY: a packet begins with its key.
    let keyStart = unsafe UnsafeRawPointer(packet).assumingMemoryBound(to: FlowKey.self)
    guard unsafe line.matchesOrdinary(keyStart) else { return false }
    // SAFETY: the session is in use, and so is its policy.
    let policy = unsafe rules + Int(line.value.policy)
    let rule = unsafe UnsafeRawPointer(policy).advanced(by: line.ruleOffset(key))
      .assumingMemoryBound(to: ForwardRule.self)
    guard unsafe rule.pointee.admits(packet.pointee.lif),
      line.renew(to: unsafe packet.pointee.time.nanoseconds, within: unsafe policy.pointee.idleTimeout)
    else { return false }
    let side = key.side
    if _slowPath(line.count(side: side, bytes: unsafe packet.pointee.bytes)) {
      // The 32-bit packet counter has wrapped.
      unsafe details[Int(candidate)].carry(side)
    }
    unsafe line.noteLater(
      acknowledgment: packet.pointee.acknowledgment, window: packet.pointee.window, side: side)
    // SAFETY: a port of eight bits; the array has 256 elements.
    let verdict =
      _fastPath(unsafe rule.pointee.leavesByPeer)
      ? unsafe peers[Int(packet.pointee.port)] : unsafe rule.pointee.verdict
    unsafe verdicts.store(verdict, at: packet.pointee.index)
    return true
  }
}

/// Which families the packets of a burst may be of, known when the code is made.
protocol FlowFamilies { static var hasIPv6: Bool { get } }

enum IPv4Only: FlowFamilies {
  @inline(__always) static var hasIPv6: Bool { false }
}

enum BothFamilies: FlowFamilies {
  @inline(__always) static var hasIPv6: Bool { true }
}
