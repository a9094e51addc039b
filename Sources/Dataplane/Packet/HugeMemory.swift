import Glibc

/// Anonymous memory on 2 MB pages where the kernel gives them, 4 KB pages otherwise. Zeroed, faulted in
/// lazily.
package enum HugeMemory {
  /// Size and alignment of a huge page in bytes.
  package static let pageSize = 2 << 20

  /// Maps `byteCount` bytes, aligned to 2 MB when there are that many.
  ///
  /// - Returns: nil when the kernel refuses.
  /// - Safety: the caller unmaps with `unmap` and the same count, once.
  @unsafe package static func map(byteCount: Int) -> UnsafeMutableRawPointer? {
    let wanted = rounded(byteCount)
    guard let start = unsafe reserve(wanted) else { return nil }
    // Refused where transparent huge pages are off: then they are 4 KB pages.
    unsafe madvise(start, wanted, MADV_HUGEPAGE)
    return unsafe start
  }

  /// Maps a file whole, shared with whoever maps it later. On a tmpfs with `huge=advise` it has 2 MB pages.
  ///
  /// - Returns: nil when the kernel refuses.
  /// - Safety: as for `map`; `byteCount` is a multiple of 2 MB, and the file's size.
  @unsafe package static func map(
    descriptor: Int32, byteCount: Int, isWritable: Bool
  ) -> UnsafeMutableRawPointer? {
    guard let start = unsafe reserve(byteCount) else { return nil }
    let protection = isWritable ? PROT_READ | PROT_WRITE : PROT_READ
    // SAFETY: takes the place of what was reserved right now, and nobody else knows of.
    let mapped = unsafe mmap(start, byteCount, protection, MAP_SHARED | MAP_FIXED, descriptor, 0)
    guard unsafe mapped == start else {
      unsafe munmap(start, byteCount)
      return nil
    }
    unsafe madvise(start, byteCount, MADV_HUGEPAGE)
    return unsafe start
  }

  /// Zeroed memory of `wanted` bytes, aligned to 2 MB; nil when the kernel refuses.
  private static func reserve(_ wanted: Int) -> UnsafeMutableRawPointer? {
    let protection = PROT_READ | PROT_WRITE
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    // One page more than wanted, then the misaligned ends are given back.
    let reserve = wanted + pageSize
    guard let raw = unsafe mmap(nil, reserve, protection, flags, -1, 0), unsafe raw != MAP_FAILED else {
      return nil
    }
    let address = UInt(bitPattern: raw)
    let aligned = (address + UInt(pageSize) - 1) & ~UInt(pageSize - 1)
    let lead = Int(aligned - address)
    // SAFETY: both ends lie inside the fresh mapping.
    let start = unsafe raw + lead
    if lead > 0 { unsafe munmap(raw, lead) }
    if reserve - lead > wanted { unsafe munmap(start + wanted, reserve - lead - wanted) }
    return unsafe start
  }

  /// - Safety: `start` came from `map` with this count and is not used any more.
  @unsafe package static func unmap(_ start: UnsafeMutableRawPointer, byteCount: Int) {
    unsafe munmap(start, rounded(byteCount))
  }

  /// Faults all pages in; kernels before 5.14 leave it to the first touch.
  ///
  /// - Safety: as for `unmap`, but the mapping goes on.
  @unsafe package static func populate(_ start: UnsafeMutableRawPointer, byteCount: Int) {
    unsafe populateExactly(start, byteCount: rounded(byteCount))
  }

  /// The same for pages of any size.
  ///
  /// - Safety: as for `populate`; `start` is aligned to a page.
  @unsafe package static func populateExactly(_ start: UnsafeMutableRawPointer, byteCount: Int) {
    let populateForWriting: Int32 = 23  // MADV_POPULATE_WRITE
    unsafe madvise(start, byteCount, populateForWriting)
  }

  private static func rounded(_ byteCount: Int) -> Int {
    let page = byteCount >= pageSize ? pageSize : 4096
    return (max(byteCount, 1) + page - 1) & ~(page - 1)
  }
}
