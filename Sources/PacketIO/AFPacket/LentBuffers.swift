import Dataplane

/// Buffers whose packets are on their way through workers, in the order in which they were lent.
@safe struct LentBuffers: ~Copyable {
  private var pool: PacketPool
  private let numbers: UnsafeMutablePointer<PacketBuffer>
  private var oldest = 0
  /// Buffers lent and not given back.
  private(set) var count = 0

  /// - Returns: nil when there is no memory.
  init?(capacity: Int, packetSize: Int) {
    guard let pool = PacketPool(capacity: capacity, packetSize: packetSize) else { return nil }
    unsafe numbers = .allocate(capacity: pool.capacity)
    self.pool = pool
  }

  deinit { unsafe numbers.deallocate() }

  var packetSize: Int { pool.packetSize }

  /// Lends a buffer with the next packet of `frame`.
  ///
  /// - Returns: where the packet is until its buffer is given back; nil when no buffer is free.
  @unsafe @inline(never) mutating func lend(_ frame: inout SuperFrame) -> (
    start: UnsafeRawPointer, length: Int
  )? {
    guard var buffer = pool.allocate() else { return nil }
    guard unsafe frame.write(into: &buffer, of: &pool) else {
      pool.release(buffer)
      return nil
    }
    let place = oldest + count < pool.capacity ? oldest + count : oldest + count - pool.capacity
    // SAFETY: no more are lent than there are places.
    unsafe numbers[place] = buffer
    count += 1
    // SAFETY: the pool keeps the bytes where they are.
    let start = unsafe pool.bytes(buffer).withUnsafeBytes { $0.baseAddress }
    return unsafe start.map { (unsafe $0, Int(buffer.length)) }
  }

  /// Gives the `count` oldest back, at most those that are lent.
  mutating func release(_ count: Int) {
    for _ in 0..<min(count, self.count) {
      // SAFETY: below the capacity, and lent before.
      pool.release(unsafe numbers[oldest])
      oldest = oldest + 1 == pool.capacity ? 0 : oldest + 1
      self.count -= 1
    }
  }
}
