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
    /// By port, the LIF number to leave by when the session names none.
    let peers: FixedArrayView<UInt16>
    let verdicts: FixedArrayView<Verdict>
  }

  /// Packets between looking a record up, which has its line fetched, and touching that line: enough to
  /// cover a memory access, few enough not to wait for free line-fill buffers.
  private static var lookahead: Int { 16 }
  /// Packets looked up in one go: two short loops keep more in registers than one long one.
  private static var stride: Int { 8 }

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
      let end = min(position &+ Self.stride, burst.count)
      let wanted = min(end &+ Self.lookahead, burst.count)
      while ahead < wanted {
        probe(burst.packets, ahead, hasIPv6: Families.hasIPv6)
        ahead &+= 1
      }
      position = forward(burst, from: position, to: end, hasIPv6: Families.hasIPv6)
      if position < end { break }
    }
    probed = ahead
    return position
  }

  /// Looks for a packet's record in its bucket (`candidate`), now in the cache, and has the record fetched.
  ///
  /// Leaves a record to be verified, `FlowTable.none` when the flow is surely absent, or
  /// `FlowTable.unknown`. A later packet's guess may be stale by its turn: sessions opened meanwhile raise
  /// the table's count of insertions, and a record that was freed or taken anew does not match.
  @inline(__always)
  package func probe(_ packets: FixedArrayView<SessionPacket>, _ position: Int, hasIPv6: Bool) {
    let bucket = packets[position].candidate
    precondition(bucket < bucketCount, "bucket outside the flow table")
    // SAFETY: checked; a bucket line is 64-byte aligned and begins with its tags.
    let line = unsafe buckets + Int(bucket) &* FlowTableMemory.Bucket.byteCount
    let tag = packets[position].key.hash.tag
    let found = unsafe sluice_tag_pairs8(line.assumingMemoryBound(to: UInt16.self), tag)
    var candidate: UInt32
    if found == 0 {
      let overflow = unsafe line.load(
        fromByteOffset: FlowTableMemory.Bucket.overflowOffset, as: UInt32.self)
      candidate = overflow == 0 ? FlowTable.none : FlowTable.unknown
    } else {
      // Two bits a slot: twice the slot's number, half its index's offset.
      let offset = FlowTableMemory.Bucket.indexOffset &+ 2 &* found.trailingZeroBitCount
      candidate = unsafe line.load(fromByteOffset: offset, as: UInt32.self)
      // Only hints: nothing is read there before the index has been checked.
      unsafe sluice_prefetch_write(records + Int(candidate))
      if hasIPv6 { unsafe sluice_prefetch_read(lastAddresses - Int(candidate)) }
    }
    packets[position].candidate = candidate
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
    let verdicts = unsafe burst.verdicts.start
    while unsafe packet < last {
      let candidate = unsafe packet.pointee.candidate
      guard candidate < recordCount else { break }
      // SAFETY: candidate < recordCount.
      let line = unsafe SessionLine(records + Int(candidate))
      guard line.matchesOrdinary(unsafe packet.pointee.key) else { break }
      if hasIPv6, unsafe packet.pointee.key.kind.isIPv6,
        unsafe (lastAddresses - Int(candidate)).pointee
          != burst.addresses6[packet - burst.packets.start]
      {
        break
      }
      let side = unsafe packet.pointee.key.side & 1
      // SAFETY: the session is in use, and so is its policy.
      let policy = unsafe rules + Int(line.value.policy)
      let rule = unsafe UnsafeRawPointer(policy).advanced(by: line.ruleOffset(side: side))
        .assumingMemoryBound(to: ForwardRule.self)
      let time = unsafe packet.pointee.time.nanoseconds
      guard unsafe rule.pointee.admits(packet.pointee.lif), line.hasAcknowledged(side: side),
        time &- line.value.lastSeen < (unsafe policy.pointee.idleTimeout)
      else { break }
      if line.count(side: side, bytes: unsafe packet.pointee.bytes) {
        // The 32-bit packet counter has wrapped.
        unsafe details[Int(candidate)].carry(side)
      }
      line.renew(to: time)
      unsafe line.noteLater(
        acknowledgment: packet.pointee.acknowledgment, window: packet.pointee.window, side: side)
      var out = unsafe rule.pointee.departure
      if out == 0 { out = unsafe burst.peers.start[Int(packet.pointee.port)] }
      // SAFETY: an index of eight bits; the arrays have 256 elements.
      unsafe verdicts[Int(packet.pointee.index)] = Self.forwarded(out)
      unsafe packet += 1
    }
    return unsafe packet - burst.packets.start
  }
}

extension FlowFastPath {
  /// `Verdict(.forward, outLIF:)` in one word, so that it is one store: a test compares the two.
  @inline(__always) package static func forwarded(_ outLIF: UInt16) -> Verdict {
    // SAFETY: eight bytes of integers, the first of which is a kind and the second a drop reason.
    unsafe unsafeBitCast(forwardWord | UInt64(outLIF) << 16, to: Verdict.self)
  }

  private static var forwardWord: UInt64 {
    UInt64(Verdict.Kind.forward.rawValue) | UInt64(DropReason.sessionDrop.rawValue) << 8
      | UInt64(Verdict.keepVLAN) << 32
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
