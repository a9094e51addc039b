import CLinuxPacket

/// Buffers for a whole burst at once, as a device driver takes them.
extension PacketPool {
  /// Takes up to `count` free buffers, at most a burst's capacity.
  ///
  /// - Parameter numbers: receives their positions in the pool.
  /// - Returns: how many there were.
  package mutating func allocate(_ count: Int, into numbers: borrowing FixedArray<UInt32>) -> Int {
    let taken = min(count, available, PacketBurst.capacity)
    available -= taken
    // SAFETY: available + taken <= capacity, taken <= the room of `numbers`.
    unsafe numbers.view.start.update(from: free + available, count: taken)
    return taken
  }

  /// Gives the first `count` buffers of `numbers` back. Each allocated buffer exactly once.
  package mutating func release(_ count: Int, of numbers: borrowing FixedArray<UInt32>) {
    precondition(
      (0...min(capacity - available, PacketBurst.capacity)).contains(count), "a buffer was released twice")
    // SAFETY: checked above.
    unsafe (free + available).update(from: numbers.view.start, count: count)
    available += count
  }

  /// Copies `count` bytes into buffer `number`, behind the full headroom.
  ///
  /// - Returns: where they are now.
  /// - Safety: `bytes` must be readable for `count`, which is at most `packetSize`.
  @unsafe @inline(__always)
  package func fill(_ number: UInt32, from bytes: UnsafeRawPointer, count: Int) -> UnsafeRawPointer {
    precondition(Int(number) < capacity, "a buffer lies outside its pool")
    let start = unsafe memory + Int(number) &* stride + Self.headroom
    // SAFETY: the buffer is inside the pool, and behind its headroom there is room for `packetSize`.
    unsafe sluice_copy_packet(start, bytes, count)
    return UnsafeRawPointer(start)
  }
}
