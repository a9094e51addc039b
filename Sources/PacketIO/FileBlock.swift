import Glibc

/// A part of a file in memory that is used again for the next part: small enough to stay in the second-level
/// cache, so that headers are read from there and not from main memory.
@safe package final class FileBlock {
  /// Room for a record of the largest size with its header, and for what is usually read at once.
  static let capacity = 512 << 10

  private let memory: UnsafeMutableRawPointer
  /// Bytes of the file in the block.
  package private(set) var byteCount = 0
  /// Where in the file the block begins.
  package private(set) var offset: UInt64 = 0

  package init() {
    unsafe memory = .allocate(byteCount: Self.capacity, alignment: 4096)
  }

  deinit { unsafe memory.deallocate() }

  /// Reads up to `count` bytes from `offset` of the file, fewer only at its end.
  ///
  /// - Returns: false when the kernel reports an error; errno says which.
  package func read(_ descriptor: Int32, from offset: UInt64, count: Int) -> Bool {
    self.offset = offset
    byteCount = 0
    let wanted = min(count, Self.capacity)
    while byteCount < wanted {
      // SAFETY: byteCount < wanted <= capacity.
      let got = unsafe pread(descriptor, memory + byteCount, wanted - byteCount, off_t(offset) + byteCount)
      if got == 0 { return true }
      if got < 0, errno != EINTR { return false }
      byteCount += max(got, 0)
    }
    return true
  }

  /// The address of the byte at `position` of the block.
  ///
  /// - Safety: 0 <= position <= byteCount, and not used after the block is read anew.
  @unsafe @inline(__always) package func address(_ position: Int) -> UnsafeRawPointer {
    unsafe UnsafeRawPointer(memory + position)
  }
}

/// Blocks that nobody reads from any more, for reading the next parts. Owned by one worker.
package final class BlockPool {
  private var free: [FileBlock] = []

  package init() {}

  /// A block whose bytes nobody uses.
  func take() -> FileBlock { free.popLast() ?? FileBlock() }

  func giveBack(_ block: FileBlock) { free.append(block) }
}
