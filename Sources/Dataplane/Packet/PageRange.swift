/// Mapped memory that the kernel can be asked to provide before its first use.
@safe package struct PageRange: @unchecked Sendable {
  // SAFETY (@unchecked): an address that is only given to the kernel, never read or written here.
  private let start: UnsafeMutableRawPointer
  private let byteCount: Int

  /// - Safety: the memory stays mapped while the range is in use.
  @unsafe init(start: UnsafeMutableRawPointer, byteCount: Int) {
    unsafe self.start = start
    self.byteCount = byteCount
  }

  /// What is asked for at once, in bytes: some 10 ms of the kernel's work.
  private static let step = 32 << 20

  /// Has the kernel provide all of it, from the front, as long as `isWanted`. Kernels before 5.14 leave it to
  /// the first touch.
  package func populate(while isWanted: () -> Bool) {
    var done = 0
    while done < byteCount, isWanted() {
      unsafe HugeMemory.populate(start + done, byteCount: min(Self.step, byteCount - done))
      done += Self.step
    }
  }
}
