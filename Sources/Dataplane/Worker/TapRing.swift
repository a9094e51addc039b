import Synchronization

/// Packets of one worker on their way to whoever captures them: a ring of bytes for one writer and one
/// reader, allocated once. What it has no room for is counted as lost, and the worker goes on.
@safe package final class TapRing: Sendable {
  /// What is said of a packet beside its bytes.
  package struct Header: BitwiseCopyable, Sendable {
    /// The packet path's time.
    package var time = PacketTime.zero
    /// Bytes that the packet had on its link, and those of them that are here.
    package var originalLength: UInt32 = 0
    package var length: UInt32 = 0
    /// The LIF number of the port that it was seen on.
    package var lif: UInt16 = 0
    package var link = LinkType.other
    /// Whether it was seen where it leaves, not where it arrived.
    package var isLeaving = false
    package var verdict = Verdict.Kind.drop
    /// Meaningful when the verdict is drop.
    package var reason = DropReason.sessionDrop

    package init() {}
  }

  /// Bytes of the ring.
  package static let byteCount = 4 << 20

  // SAFETY: allocated in init, freed in deinit. The writer touches free bytes only, the reader filled ones:
  // `head` and `tail` say which is which.
  private nonisolated(unsafe) let memory: UnsafeMutableRawPointer
  /// Bytes ever written and ever read; each is changed by one side.
  private let tail = Atomic<Int>(0)
  private let head = Atomic<Int>(0)
  private let lost = Atomic<UInt64>(0)

  package init() { unsafe memory = .allocate(byteCount: Self.byteCount, alignment: 64) }

  deinit { unsafe memory.deallocate() }

  /// Packets that there was no room for.
  package var lostCount: UInt64 { lost.load(ordering: .relaxed) }

  /// Before a packet's header: 0, or `skip` where the rest of the memory is passed over.
  private static let markSize = 16
  private static let skip = UInt64.max
  private static let bytesOffset = markSize + MemoryLayout<Header>.stride

  /// Bytes that a packet takes: a multiple of 16, so that there is always room for a mark.
  private static func size(_ length: UInt32) -> Int { (bytesOffset + Int(length) + 15) & ~15 }

  @inline(__always) private func place(_ position: Int) -> UnsafeMutableRawPointer {
    // SAFETY: the remainder lies inside the memory.
    unsafe memory + position % Self.byteCount
  }

  /// Adds a packet. The worker's side.
  ///
  /// - Safety: `bytes` are readable for `header.length`, at most 65,535.
  @unsafe package func push(_ header: Header, _ bytes: UnsafeRawPointer) {
    let size = Self.size(header.length)
    let written = tail.load(ordering: .relaxed)
    let left = Self.byteCount - written % Self.byteCount
    let start = left < size ? written + left : written
    guard start + size - head.load(ordering: .acquiring) <= Self.byteCount else {
      lost.store(lost.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
      return
    }
    // SAFETY: from `start` on `size` bytes are free, and do not reach over the end.
    if start != written { unsafe place(written).storeBytes(of: Self.skip, as: UInt64.self) }
    unsafe place(start).storeBytes(of: 0, as: UInt64.self)
    unsafe (place(start) + Self.markSize).storeBytes(of: header, as: Header.self)
    unsafe (place(start) + Self.bytesOffset).copyMemory(from: bytes, byteCount: Int(header.length))
    tail.store(start + size, ordering: .releasing)
  }

  /// Takes the oldest packet; nil when there is none. The reader's side.
  package func take() -> (header: Header, bytes: [UInt8])? {
    var position = head.load(ordering: .relaxed)
    let end = tail.load(ordering: .acquiring)
    guard position < end else { return nil }
    // SAFETY: between `position` and `end` lie whole packets, as `push` has written them.
    if unsafe place(position).load(as: UInt64.self) == Self.skip {
      position += Self.byteCount - position % Self.byteCount
    }
    let header = unsafe (place(position) + Self.markSize).load(as: Header.self)
    let start = unsafe place(position) + Self.bytesOffset
    let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: Int(header.length)))
    head.store(position + Self.size(header.length), ordering: .releasing)
    return (header, bytes)
  }
}
