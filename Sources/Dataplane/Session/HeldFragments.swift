/// Later fragments that wait for their datagram's first one, copied into buffers of the worker.
///
/// Slots are chained by the cache: those of one datagram in order of arrival, then those released, until the
/// worker takes them into a burst. Owned by one worker.
@safe package struct HeldFragments: ~Copyable {
  /// A waiting packet; its descriptor points into `buffer`.
  @unsafe private struct Held: BitwiseCopyable {
    var packet: PacketDescriptor
    var buffer: PacketBuffer
    var fate: FragmentFate
    var next: UInt32
    /// Of a packet that was handed over: to whom, and how far its ring had been filled then.
    var borrower: Int
    var mark: Int
  }

  /// The packet that made others leave: they are placed beside it in time and order.
  package struct Trigger: BitwiseCopyable {
    package var time: PacketTime
    package var sequence: UInt64

    package init(time: PacketTime, sequence: UInt64) {
      self.time = time
      self.sequence = sequence
    }
  }

  private var pool: PacketPool
  private var slots: SlotArray<Held>
  private let limit: Int
  /// Slots handed over whose bytes other workers may still read.
  private var lent: SlotArray<UInt32>
  private var lentCount = 0
  /// Packets that wait: the gauge `held`.
  package private(set) var count = 0
  /// Packets that have left their datagrams, in order, not taken yet.
  package private(set) var releasedCount = 0
  private var releasedFirst = Slot.none
  private var releasedLast = Slot.none

  /// - Returns: nil when the kernel has no address space for the buffers.
  package init?(_ limits: FragmentLimits) {
    limit = max(limits.held, 1)
    // Those that were released are in use until their burst is over, or their borrower is done.
    let capacity = limit + PacketBurst.capacity
    guard let pool = PacketPool(capacity: capacity, packetSize: limits.packetSize) else { return nil }
    self.pool = pool
    unsafe slots = SlotArray(count: capacity)
    lent = SlotArray(count: capacity)
  }

  package var isFull: Bool { count >= limit }
  /// Whether a buffer is free; if not, the borrowers' are next.
  package var hasBuffer: Bool { pool.available > 0 }
  package var isLending: Bool { lentCount > 0 }

  /// Copies packet `index` of `burst` behind the chain that ends with `last`.
  ///
  /// - Returns: its slot; `Slot.none` when there is no buffer or the packet is too long for one.
  package mutating func hold(_ burst: borrowing PacketBurst, _ index: Int, after last: UInt32) -> UInt32 {
    guard var buffer = pool.allocate() else { return Slot.none }
    guard pool.append(burst.bytes(index), to: &buffer) else {
      pool.release(buffer)
      return Slot.none
    }
    var packet = unsafe burst.descriptor(index)
    // SAFETY: the buffer stays allocated until `giveBack`; the pool outlives its use.
    unsafe pool.bytes(buffer).withUnsafeBytes { bytes in
      if let start = bytes.baseAddress { unsafe packet.start = start }
    }
    // It is counted as taken over by now.
    unsafe packet.isHandedOff = false
    unsafe slots[buffer.index] = Held(
      packet: packet, buffer: buffer, fate: FragmentFate(.unknown), next: Slot.none, borrower: 0, mark: 0)
    if last != Slot.none { unsafe slots[last].next = buffer.index }
    count += 1
    return buffer.index
  }

  /// Lets the chain that begins with `first` go, behind those released before.
  package mutating func release(_ first: UInt32, _ fate: FragmentFate, _ trigger: Trigger) {
    guard first != Slot.none else { return }
    if releasedLast == Slot.none { releasedFirst = first } else { unsafe slots[releasedLast].next = first }
    var slot = first
    while slot != Slot.none {
      unsafe slots[slot].fate = fate
      unsafe slots[slot].packet.time = trigger.time
      unsafe slots[slot].packet.sequence = trigger.sequence
      count -= 1
      releasedCount += 1
      releasedLast = slot
      slot = unsafe slots[slot].next
    }
  }

  /// Takes the released packet that comes next; nil when there is none. Its slot must come back by `giveBack`
  /// or `lend`.
  package mutating func takeReleased() -> UInt32? {
    guard releasedCount > 0 else { return nil }
    let slot = releasedFirst
    releasedFirst = unsafe slots[slot].next
    releasedCount -= 1
    if releasedCount == 0 { releasedLast = Slot.none }
    return slot
  }

  /// The packet in `slot`, valid until it comes back.
  @unsafe package func packet(_ slot: UInt32) -> PacketDescriptor { unsafe slots[slot].packet }

  package func fate(_ slot: UInt32) -> FragmentFate { unsafe slots[slot].fate }

  /// Frees the buffer of a packet whose burst is over.
  package mutating func giveBack(_ slot: UInt32) { pool.release(unsafe slots[slot].buffer) }

  /// Keeps the buffer of a packet that was handed to `worker` until the ring's first `mark` are released.
  package mutating func lend(_ slot: UInt32, to worker: Int, until mark: Int) {
    unsafe slots[slot].borrower = worker
    unsafe slots[slot].mark = mark
    lent[UInt32(lentCount)] = slot
    lentCount += 1
  }

  /// Frees the buffers whose borrowers are done.
  package mutating func reclaim(_ isDone: (_ worker: Int, _ mark: Int) -> Bool) {
    var kept = 0
    for position in 0..<lentCount {
      let slot = lent[UInt32(position)]
      if unsafe isDone(slots[slot].borrower, slots[slot].mark) {
        giveBack(slot)
      } else {
        lent[UInt32(kept)] = slot
        kept += 1
      }
    }
    lentCount = kept
  }
}
