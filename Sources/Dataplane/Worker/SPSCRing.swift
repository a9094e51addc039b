import Synchronization

/// A bounded queue between exactly two threads: one that pushes, one that takes. No locks.
///
/// The taking side reads entries where they lie and gives their places back with `release`, so that the
/// pushing side can tell what has been dealt with, not merely taken.
@safe package final class SPSCRing<Element: BitwiseCopyable>: Sendable {
  private static var lineSize: Int { 128 }

  package let capacity: Int
  private let mask: Int
  // SAFETY: allocated in init, freed in deinit; each place is written by the pushing side before `tail`
  // passes it and read by the taking side before `head` does.
  private nonisolated(unsafe) let entries: UnsafeMutablePointer<Element>
  private nonisolated(unsafe) let lines: UnsafeMutableRawPointer
  /// Entries ever pushed, and ever released: on cache lines of their own.
  private nonisolated(unsafe) let tail: UnsafeMutablePointer<Atomic<Int>>
  private nonisolated(unsafe) let head: UnsafeMutablePointer<Atomic<Int>>
  private nonisolated(unsafe) let closed: UnsafeMutablePointer<Atomic<Bool>>

  /// - Parameter capacity: rounded up to a power of two.
  package init(capacity: Int) {
    self.capacity = max(capacity, 2).nextPowerOfTwo
    mask = self.capacity - 1
    unsafe entries = .allocate(capacity: self.capacity)
    unsafe lines = .allocate(byteCount: 3 * Self.lineSize, alignment: Self.lineSize)
    // SAFETY: three lines, one atomic at the start of each.
    unsafe tail = lines.bindMemory(to: Atomic<Int>.self, capacity: 1)
    unsafe head = (lines + Self.lineSize).bindMemory(to: Atomic<Int>.self, capacity: 1)
    unsafe closed = (lines + 2 * Self.lineSize).bindMemory(to: Atomic<Bool>.self, capacity: 1)
    unsafe tail.initialize(to: Atomic(0))
    unsafe head.initialize(to: Atomic(0))
    unsafe closed.initialize(to: Atomic(false))
  }

  deinit {
    unsafe lines.deallocate()
    unsafe entries.deallocate()
  }

  // MARK: The pushing side

  /// Adds an entry; false when the ring is full.
  package func push(_ element: Element) -> Bool {
    let end = unsafe tail.pointee.load(ordering: .relaxed)
    guard end - (unsafe head.pointee.load(ordering: .acquiring)) < capacity else { return false }
    unsafe (entries + (end & mask)).initialize(to: element)
    unsafe tail.pointee.store(end + 1, ordering: .releasing)
    return true
  }

  /// Entries ever pushed: a mark that `isReleased` takes.
  package var pushed: Int { unsafe tail.pointee.load(ordering: .acquiring) }

  /// Whether the first `count` entries have all been dealt with.
  package func isReleased(upTo count: Int) -> Bool {
    unsafe head.pointee.load(ordering: .acquiring) >= count
  }

  /// Says that nothing more will be pushed.
  package func close() { unsafe closed.pointee.store(true, ordering: .releasing) }

  // MARK: The taking side

  /// Entries that are there now.
  package var count: Int {
    unsafe tail.pointee.load(ordering: .acquiring) - head.pointee.load(ordering: .relaxed)
  }

  /// Entry `offset` from the oldest, below `count`.
  package subscript(offset: Int) -> Element {
    precondition(offset >= 0 && offset < count, "the ring has no such entry")
    return unsafe entries[(head.pointee.load(ordering: .relaxed) + offset) & mask]
  }

  /// Gives the oldest `count` entries' places back.
  package func release(_ count: Int) {
    precondition(count >= 0 && count <= self.count, "more released than there are")
    let start = unsafe head.pointee.load(ordering: .relaxed)
    unsafe head.pointee.store(start + count, ordering: .releasing)
  }

  /// Takes the oldest entry; nil when there is none.
  package func pop() -> Element? {
    guard count > 0 else { return nil }
    let element = self[0]
    release(1)
    return element
  }

  /// Whether nothing is there and nothing will come.
  package var isFinished: Bool {
    // Closed is read first: what was pushed before it is then visible.
    unsafe closed.pointee.load(ordering: .acquiring) && count == 0
  }
}

extension Int {
  /// The smallest power of two that is not below this number; this number is at least 1.
  package var nextPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
