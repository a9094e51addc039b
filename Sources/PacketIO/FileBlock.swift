import CLinuxPacket
import Glibc

/// A part of a file in memory: bytes that were read into a block, or a window that shows the file itself.
///
/// A block is used again for the next part: small enough to stay in the second-level cache, so that headers
/// are read from there and not from main memory. A window shows one part, and copies nothing.
@safe package final class FileBlock {
  /// Room for a record of the largest size with its header, and for what is usually read at once.
  static let capacity = 512 << 10

  private let memory: UnsafeMutableRawPointer
  /// nil of a block that is read into.
  private let window: sluice_window?
  /// Bytes of the file in the block.
  package private(set) var byteCount = 0
  /// Where in the file the block begins.
  package private(set) var offset: UInt64 = 0

  package init() {
    unsafe memory = .allocate(byteCount: Self.capacity, alignment: 4096)
    unsafe window = nil
  }

  /// A window on the file, from the page that `offset` lies in.
  ///
  /// - Parameter count: bytes from `offset` on that the file has; it shows as many as a window can.
  /// - Returns: nil where no window is to be had.
  init?(mapping descriptor: Int32, from offset: UInt64, count: Int) {
    let page = UInt64(getpagesize())
    let begin = offset / page * page
    let length = min(count + Int(offset - begin), Self.windowSize)
    let window = unsafe sluice_window_map(descriptor, begin, length)
    guard let start = unsafe window.start else { return nil }
    unsafe self.window = window
    // SAFETY: nothing writes to a window: the functions that write are for blocks that are not mapped.
    unsafe memory = UnsafeMutableRawPointer(mutating: start)
    self.offset = begin
    byteCount = length
  }

  deinit {
    if let window = unsafe window {
      unsafe sluice_window_unmap(window)
    } else {
      unsafe memory.deallocate()
    }
  }

  /// Bytes of a window: enough that mapping costs little per packet. 2 MB cost a tenth more, and 32 MB
  /// nothing less.
  static let windowSize = 8 << 20

  /// Whether it shows the file itself.
  var isMapped: Bool { unsafe window != nil }

  /// Whether a window was found to show bytes that the file has lost: they read as zeros.
  var hasLost: Bool { unsafe window.map { unsafe sluice_window_has_lost($0.place) } ?? false }

  /// Reads up to `count` bytes into a block that is not mapped, `offset` of the file on, fewer only at its
  /// end.
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

  /// Begins anew with the bytes of `old` from its position on; with none where that lies behind its end.
  ///
  /// - Parameter old: another block whose bytes are still those that it was filled with, or this one.
  func restart(at offset: UInt64, keeping old: (block: FileBlock, position: Int)?) {
    var kept = 0
    if let old, old.position < old.block.byteCount {
      kept = old.block.byteCount - old.position
      // SAFETY: both blocks have room for what either holds; the two ranges may be the same memory.
      unsafe memmove(memory, old.block.address(old.position), kept)
    }
    self.offset = offset
    byteCount = kept
  }

  /// Adds what `take` puts at the address that it is given, up to as many bytes as it is told.
  ///
  /// - Parameter limit: bytes that the block shall not have more of.
  /// - Returns: how many `take` answered; 0 when the block is full.
  /// - Safety: `take` writes and reports no more than it is told.
  @unsafe func append(upTo limit: Int, _ take: (UnsafeMutableRawPointer, Int) -> Int) -> Int {
    let room = min(limit, Self.capacity) - byteCount
    guard room > 0 else { return 0 }
    // SAFETY: byteCount + room <= capacity.
    let got = unsafe min(max(take(memory + byteCount, room), 0), room)
    byteCount += got
    return got
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

  /// Takes a block back; a window is let go of.
  func giveBack(_ block: FileBlock) {
    if !block.isMapped { free.append(block) }
  }
}
