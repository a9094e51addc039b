/// Packets that a pass left to later ones, first in, first out: the rest of a burst, and before it fragments
/// that had waited. Owned by one worker.
@safe struct DeferredPackets: ~Copyable {
  @unsafe struct Deferred: BitwiseCopyable {
    var packet: PacketDescriptor
    var fate: FragmentFate
    /// The buffer that it waited in; `Slot.none` for one that lies where it was received.
    var heldSlot: UInt32
  }

  // SAFETY: descriptors stay valid until their packets' passes: see `HeldFragments` and `PacketQueue`.
  private var entries: SlotArray<Deferred>
  /// The first in use; those behind it are too.
  private var start: Int

  /// - Parameter capacity: packets of one burst and all that may wait.
  init(capacity: Int) {
    unsafe entries = SlotArray(count: capacity)
    start = capacity
  }

  var isEmpty: Bool { start == (unsafe entries.count) }

  @unsafe mutating func prepend(_ packet: PacketDescriptor, _ fate: FragmentFate, _ heldSlot: UInt32) {
    start -= 1
    unsafe entries[UInt32(start)] = Deferred(packet: packet, fate: fate, heldSlot: heldSlot)
  }

  /// Puts all released fragments before everything else, in their order.
  mutating func prepend(releasedFrom held: inout HeldFragments) {
    start -= held.releasedCount
    var place = start
    while let slot = held.takeReleased() {
      unsafe entries[UInt32(place)] = Deferred(
        packet: held.packet(slot), fate: held.fate(slot), heldSlot: slot)
      place += 1
    }
  }

  @unsafe mutating func removeFirst() -> Deferred {
    start += 1
    return unsafe entries[UInt32(start - 1)]
  }
}
