/// Loads and stores of network-order integers at any alignment. The one unsafe file of this folder.
extension RawSpan {
  /// The big-endian integer at `offset`, in host order.
  ///
  /// - Precondition: `offset` and the integer's bytes lie inside the span. A view's `init(parsing:)`
  ///   proves it for bytes from the wire, so a trap here is a bug of ours.
  @inline(__always)
  package func loadBigEndian<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as: T.Type = T.self) -> T
  {
    // SAFETY: `fromByteOffset` traps outside the span; every bit pattern of a fixed-width integer is valid.
    T(bigEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// The integer at `offset` in this machine's byte order. Same precondition as ``loadBigEndian(at:as:)``.
  @inline(__always)
  package func loadNative<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as: T.Type = T.self) -> T {
    // SAFETY: `fromByteOffset` traps outside the span; every bit pattern of a fixed-width integer is valid.
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: T.self)
  }

  /// The byte at `offset`. Same precondition as ``loadBigEndian(at:as:)``.
  @inline(__always)
  package func loadByte(at offset: Int) -> UInt8 {
    // SAFETY: `fromByteOffset` traps outside the span; every bit pattern of a byte is valid.
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
  }
}

extension MutableRawSpan {
  /// Stores `value` at `offset` in network byte order.
  ///
  /// - Precondition: `offset` and the integer's bytes lie inside the span.
  @inline(__always)
  @_lifetime(self: copy self)
  package mutating func storeBigEndian<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: Int) {
    storeBytes(of: value.bigEndian, toByteOffset: offset, as: T.self)
  }

  /// Copies `source`, which lies elsewhere, to `offset`.
  ///
  /// - Precondition: `offset` and all of `source` lie inside the span.
  @_lifetime(self: copy self)
  package mutating func copy(_ source: RawSpan, to offset: Int) {
    precondition(offset >= 0 && offset <= byteCount - source.byteCount, "a copy lies outside its place")
    // SAFETY: the range was checked; a mutable span is exclusive, so that the two do not overlap.
    unsafe withUnsafeMutableBytes { target in
      unsafe source.withUnsafeBytes { source in
        guard let to = target.baseAddress, let from = source.baseAddress else { return }
        unsafe (to + offset).copyMemory(from: from, byteCount: source.count)
      }
    }
  }
}

/// The first bytes of a packet, checked once: a field at a constant offset is then one load.
@safe struct LeadingBytes: ~Escapable {
  private let start: UnsafeRawPointer
  private let count: Int

  /// - Returns: nil when `bytes` has fewer than `count` bytes; `count` is at least 1.
  @inline(__always)
  @_lifetime(copy bytes)
  init?(_ bytes: RawSpan, count: Int) {
    guard bytes.byteCount >= count else { return nil }
    // SAFETY: the lifetime is that of the span; loads stay below `count`.
    guard let start = unsafe bytes.withUnsafeBytes({ $0.baseAddress }) else { return nil }
    unsafe self.start = start
    self.count = count
  }

  /// - Safety: `count` bytes are readable at `start` as long as the value lives.
  @unsafe @inline(__always)
  @_lifetime(immortal)
  init(start: UnsafeRawPointer, count: Int) {
    unsafe self.start = start
    self.count = count
  }

  /// The integer at `offset` in this machine's byte order; traps as `loadBigEndian` does.
  @inline(__always)
  func loadNative<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as: T.Type = T.self) -> T {
    precondition(offset >= 0 && offset + MemoryLayout<T>.size <= count, "outside the leading bytes")
    return unsafe start.loadUnaligned(fromByteOffset: offset, as: T.self)
  }

  /// The little-endian integer at `offset`: the first byte is the lowest. Traps as `loadBigEndian` does.
  @inline(__always)
  func loadLittleEndian<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as: T.Type = T.self) -> T {
    T(littleEndian: loadNative(at: offset))
  }

  /// The big-endian integer at `offset`; traps outside the leading bytes, which folds away for constants.
  @inline(__always)
  func loadBigEndian<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as: T.Type = T.self) -> T {
    precondition(offset >= 0 && offset + MemoryLayout<T>.size <= count, "outside the leading bytes")
    return T(bigEndian: unsafe start.loadUnaligned(fromByteOffset: offset, as: T.self))
  }
}
