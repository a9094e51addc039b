/// The datagrams whose fragments a worker follows: each later fragment learns here whose session it belongs
/// to, or waits for its datagram's first one. docs/fragments.md.
///
/// Bounded in datagrams, in waiting fragments over all and of one datagram, and in time. Nothing is
/// reassembled: fragments pass as they are. Owned by one worker. Pure: time is an argument.
package struct FragmentCache: ~Copyable {
  /// What becomes of a fragment.
  package enum Answer: Equatable {
    /// It goes on at once: as a first fragment, or with what the first one said.
    case follow(FragmentFate)
    /// It waits: to be given to `hold` with this datagram.
    case hold(UInt32)
    case drop(DropReason)
    /// Older ones had to leave for it and are released. They come before it: to be asked again after them.
    case again
  }

  package var held: HeldFragments
  /// When the oldest datagram is forgotten; the largest time when there is none.
  package private(set) var deadline = PacketTime(nanoseconds: .max)
  /// Datagrams that are followed.
  package private(set) var count = 0

  private let limits: FragmentLimits
  private var datagrams: SlotArray<FragmentedDatagram>
  private var buckets: SlotArray<UInt32>
  private let bucketCount: UInt32
  /// Slots used at least once; those below it that are free are chained from `free`.
  private var touched: UInt32 = 0
  private var free = Slot.none
  private var ages4 = DatagramList(.age)
  private var ages6 = DatagramList(.age)
  private var waiting = DatagramList(.wait)

  /// - Returns: nil when the kernel has no address space for it.
  package init?(_ limits: FragmentLimits) {
    guard let held = HeldFragments(limits) else { return nil }
    self.held = held
    self.limits = limits
    datagrams = SlotArray(count: limits.datagrams)
    bucketCount = UInt32(2 * datagrams.count)
    buckets = SlotArray(count: 2 * datagrams.count)
    for bucket in 0..<bucketCount { buckets[bucket] = Slot.none }
  }

  /// Decides about one fragment.
  ///
  /// - Parameters:
  ///   - fate: of a first fragment, what later ones are to follow; `unknown` for a later one.
  ///   - size: bytes that holding it would take.
  package mutating func take(
    _ part: FragmentPart, of key: DatagramKey, _ fate: FragmentFate, size: Int,
    _ trigger: HeldFragments.Trigger
  ) -> Answer {
    var slot = find(key)
    if slot == Slot.none {
      if count == datagrams.count { evict(oldest, trigger) }
      if held.releasedCount > 0 { return .again }
      slot = insert(key, trigger)
    }
    guard !datagrams[slot].isPoisoned else { return .drop(.fragmentOverlap) }
    let waits = fate.kind == .unknown && datagrams[slot].fate.kind == .unknown
    if waits {
      guard size <= limits.packetSize else { return .drop(.oversized) }
      if held.isFull {
        evict(waiting.first, trigger)
        return .again
      }
    }
    switch datagrams[slot].ranges.add(part.offset, part.end, isLast: !part.hasMore) {
    case .added: break
    case .overlaps:
      datagrams[slot].isPoisoned = true
      release(slot, .drop(.fragmentOverlap), trigger)
      return .drop(.fragmentOverlap)
    case .isCovered: return .drop(.fragmentDuplicate)
    case .tooMany: return .drop(.tooManyFragments)
    }
    guard !waits else {
      return datagrams[slot].heldCount < limits.heldPerDatagram ? .hold(slot) : .drop(.tooManyFragments)
    }
    let isFirst = fate.kind != .unknown
    if isFirst {
      datagrams[slot].fate = fate
      release(slot, fate, trigger)
    }
    let answer = Answer.follow(isFirst ? FragmentFate(.first) : datagrams[slot].fate)
    // Its identification may be used again at once.
    if datagrams[slot].ranges.isComplete { remove(slot) }
    return answer
  }

  /// Keeps a copy of packet `index`, a later fragment of `datagram`.
  ///
  /// - Returns: false when there is no buffer for it.
  package mutating func hold(_ burst: borrowing PacketBurst, _ index: Int, in datagram: UInt32) -> Bool {
    let slot = held.hold(burst, index, after: datagrams[datagram].heldLast)
    guard slot != Slot.none else { return false }
    if datagrams[datagram].heldCount == 0 {
      datagrams[datagram].heldFirst = slot
      waiting.append(datagram, in: &datagrams)
    }
    datagrams[datagram].heldLast = slot
    datagrams[datagram].heldCount += 1
    return true
  }

  /// Forgets the datagrams whose time is up; what waited for them is released to be dropped.
  package mutating func expire(_ trigger: HeldFragments.Trigger) {
    while count > 0, deadline <= trigger.time {
      let slot = oldest
      release(slot, .drop(.fragmentTimeout), trigger)
      remove(slot)
    }
  }

  /// Releases all that waits, at the end of the run.
  package mutating func giveUp(_ trigger: HeldFragments.Trigger) {
    while waiting.first != Slot.none { release(waiting.first, .drop(.fragmentUnresolved), trigger) }
  }

  // MARK: Datagrams

  private func find(_ key: DatagramKey) -> UInt32 {
    var slot = buckets[key.hash.bucket(of: bucketCount)]
    while slot != Slot.none, !(datagrams[slot].key == key) { slot = datagrams[slot].next }
    return slot
  }

  private mutating func insert(_ key: DatagramKey, _ trigger: HeldFragments.Trigger) -> UInt32 {
    var slot = free
    if slot == Slot.none {
      slot = touched
      touched += 1
    } else {
      free = datagrams[slot].next
    }
    let seconds = key.isIPv6 ? FragmentLimits.seconds6 : FragmentLimits.seconds4
    datagrams[slot] = FragmentedDatagram(
      key, deadline: trigger.time.advanced(by: seconds * PacketTime.nanosecondsPerSecond))
    let bucket = key.hash.bucket(of: bucketCount)
    datagrams[slot].next = buckets[bucket]
    buckets[bucket] = slot
    if key.isIPv6 { ages6.append(slot, in: &datagrams) } else { ages4.append(slot, in: &datagrams) }
    count += 1
    noteDeadline()
    return slot
  }

  /// Forgets a datagram that holds nothing.
  private mutating func remove(_ slot: UInt32) {
    let key = datagrams[slot].key
    if key.isIPv6 { ages6.remove(slot, in: &datagrams) } else { ages4.remove(slot, in: &datagrams) }
    let bucket = key.hash.bucket(of: bucketCount)
    if buckets[bucket] == slot {
      buckets[bucket] = datagrams[slot].next
    } else {
      var before = buckets[bucket]
      while datagrams[before].next != slot { before = datagrams[before].next }
      datagrams[before].next = datagrams[slot].next
    }
    datagrams[slot].next = free
    free = slot
    count -= 1
    noteDeadline()
  }

  /// Lets go of what waits for a datagram.
  private mutating func release(
    _ slot: UInt32, _ fate: FragmentFate, _ trigger: HeldFragments.Trigger
  ) {
    guard datagrams[slot].heldCount > 0 else { return }
    held.release(datagrams[slot].heldFirst, fate, trigger)
    datagrams[slot].heldFirst = Slot.none
    datagrams[slot].heldLast = Slot.none
    datagrams[slot].heldCount = 0
    waiting.remove(slot, in: &datagrams)
  }

  /// Forgets `slot` for the sake of a newer one.
  private mutating func evict(_ slot: UInt32, _ trigger: HeldFragments.Trigger) {
    release(slot, .drop(.fragmentEvicted), trigger)
    remove(slot)
  }

  /// The datagram that is forgotten next; only when there is one.
  private var oldest: UInt32 {
    guard ages4.first != Slot.none else { return ages6.first }
    guard ages6.first != Slot.none else { return ages4.first }
    return datagrams[ages6.first].deadline < datagrams[ages4.first].deadline ? ages6.first : ages4.first
  }

  private mutating func noteDeadline() {
    deadline = count == 0 ? PacketTime(nanoseconds: .max) : datagrams[oldest].deadline
  }
}
