import CLinuxPacket
import Glibc

/// A buffer of a `PacketPool`, as a value. Not a pointer: the pool turns it into bytes.
package struct PacketBuffer: BitwiseCopyable, Sendable {
  /// Position in the pool; `UInt32.max` is no buffer.
  package var index: UInt32
  /// Bytes before the first byte in use.
  package var offset: UInt32
  /// Bytes in use.
  package var length: UInt32

  package static let none = PacketBuffer(index: .max, offset: 0, length: 0)
}

/// A worker's packet buffers: contiguous, of one size, on 2 MB pages where they can be had.
///
/// Each buffer has `headroom` bytes before the packet for outer headers. The memory is first touched by
/// the thread that owns the pool, and so comes from its NUMA node. Owned by one worker.
@safe package struct PacketPool: ~Copyable {
  /// Room before the packet: an outer Ethernet, VLAN, IPv6 and GRE header, with reserve.
  package static let headroom = 128
  /// Room after the packet for an ESP trailer and ICV.
  package static let tailroom = 64

  let memory: UnsafeMutableRawPointer
  private let byteCount: Int
  let stride: Int
  let free: UnsafeMutablePointer<UInt32>
  package let capacity: Int
  package internal(set) var available: Int

  /// - Parameters:
  ///   - capacity: buffers, at least 1.
  ///   - packetSize: the longest packet a buffer must take, in bytes; at most 262 144.
  /// - Returns: nil when the kernel has no memory for it.
  package init?(capacity: Int, packetSize: Int) {
    let size = min(max(packetSize, 64), 262_144)
    stride = (Self.headroom + size + Self.tailroom + 63) & ~63
    self.capacity = max(capacity, 1)
    byteCount = stride * self.capacity
    guard let memory = unsafe HugeMemory.map(byteCount: byteCount) else { return nil }
    unsafe self.memory = memory
    unsafe free = .allocate(capacity: self.capacity)
    for index in 0..<self.capacity { unsafe free[index] = UInt32(self.capacity - 1 - index) }
    available = self.capacity
  }

  deinit {
    unsafe HugeMemory.unmap(memory, byteCount: byteCount)
    unsafe free.deallocate()
  }

  /// The longest packet that fits between headroom and tailroom.
  package var packetSize: Int { stride - Self.headroom - Self.tailroom }

  /// Takes a free buffer, empty and with the full headroom; nil when all are in use.
  package mutating func allocate() -> PacketBuffer? {
    guard available > 0 else { return nil }
    available -= 1
    // SAFETY: 0 <= available < capacity.
    return unsafe PacketBuffer(index: free[available], offset: UInt32(Self.headroom), length: 0)
  }

  /// Gives a buffer back. Each allocated buffer exactly once.
  package mutating func release(_ buffer: PacketBuffer) {
    precondition(available < capacity && Int(buffer.index) < capacity, "a buffer was released twice")
    // SAFETY: checked above.
    unsafe free[available] = buffer.index
    available += 1
  }

  /// The bytes in use.
  @_lifetime(borrow self)
  package func bytes(_ buffer: PacketBuffer) -> RawSpan {
    let start = position(buffer)
    // SAFETY: `position` checked the range; only `deinit` unmaps.
    let span = unsafe RawSpan(_unsafeStart: memory + start, byteCount: Int(buffer.length))
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  /// The bytes in use, to be written.
  @_lifetime(&self)
  package mutating func mutableBytes(_ buffer: PacketBuffer) -> MutableRawSpan {
    let start = position(buffer)
    // SAFETY: as in `bytes`; `&self` makes the access exclusive.
    let span = unsafe MutableRawSpan(_unsafeStart: memory + start, byteCount: Int(buffer.length))
    return unsafe _overrideLifetime(span, mutating: &self)
  }

  /// Puts `bytes` behind what the buffer holds.
  ///
  /// - Returns: false, with the buffer unchanged, when they do not fit.
  package mutating func append(_ bytes: RawSpan, to buffer: inout PacketBuffer) -> Bool {
    let used = Int(buffer.offset) + Int(buffer.length)
    guard bytes.byteCount <= stride - used else { return false }
    let start = position(buffer) + Int(buffer.length)
    // SAFETY: the room behind the used bytes was checked; the source is a live span elsewhere.
    unsafe bytes.withUnsafeBytes { source in
      guard let from = source.baseAddress else { return }
      unsafe (memory + start).copyMemory(from: from, byteCount: source.count)
    }
    buffer.length += UInt32(bytes.byteCount)
    return true
  }

  /// Makes `count` bytes behind the used ones part of the buffer, to be written.
  ///
  /// - Returns: false, with the buffer unchanged, when there is no such room.
  package mutating func extend(_ count: Int, _ buffer: inout PacketBuffer) -> Bool {
    guard count <= stride - Int(buffer.offset) - Int(buffer.length) else { return false }
    buffer.length += UInt32(count)
    return true
  }

  /// Makes `count` bytes of headroom part of the buffer, to be written as an outer header.
  ///
  /// - Returns: false, with the buffer unchanged, when the headroom is used up.
  package mutating func prepend(_ count: Int, to buffer: inout PacketBuffer) -> Bool {
    guard count <= Int(buffer.offset) else { return false }
    buffer.offset -= UInt32(count)
    buffer.length += UInt32(count)
    return true
  }

  /// The bytes in use, for as long as the buffer is not released.
  ///
  /// - Safety: the caller releases the buffer after the last use, and writes to other buffers only meanwhile.
  @unsafe @_lifetime(immortal)
  func lastingBytes(_ buffer: PacketBuffer) -> RawSpan {
    let start = position(buffer)
    // SAFETY: `position` checked the range.
    let span = unsafe RawSpan(_unsafeStart: memory + start, byteCount: Int(buffer.length))
    return unsafe _overrideLifetime(span, copying: ())
  }

  /// Copies a part of one buffer into another one.
  ///
  /// - Precondition: the range lies inside the first one, and fits into the other one at `offset`.
  mutating func copy(from source: PacketBuffer, _ range: Range<Int>, to target: PacketBuffer, at offset: Int)
  {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= Int(source.length) && offset >= 0
        && offset + range.count <= Int(target.length) && source.index != target.index,
      "a copy lies outside its buffers")
    // SAFETY: checked above and in `position`; two buffers do not overlap.
    unsafe (memory + position(target) + offset).copyMemory(
      from: memory + position(source) + range.lowerBound, byteCount: range.count)
  }

  private func position(_ buffer: PacketBuffer) -> Int {
    precondition(
      Int(buffer.index) < capacity && Int(buffer.offset) + Int(buffer.length) <= stride,
      "a buffer lies outside its pool")
    return Int(buffer.index) * stride + Int(buffer.offset)
  }
}
