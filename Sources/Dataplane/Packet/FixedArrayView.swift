/// A `FixedArray`'s elements for the length of one pass.
///
/// A copy of the address: the compiler then keeps it in a register through a loop that also writes to other
/// memory. Made by the array's owner, used within one pass, never kept.
@safe package struct FixedArrayView<Element: BitwiseCopyable> {
  private let elements: UnsafeMutablePointer<Element>

  /// - Safety: `elements` has room for `PacketBurst.capacity` and stays as long as this value is used.
  @unsafe @inline(__always) init(_ elements: UnsafeMutablePointer<Element>) {
    unsafe self.elements = elements
  }

  /// The first of the `PacketBurst.capacity` elements.
  @unsafe @inline(__always) var start: UnsafeMutablePointer<Element> { unsafe elements }

  package subscript(index: Int) -> Element {
    // SAFETY: the mask keeps the index below the capacity.
    @inline(__always) unsafeAddress { unsafe UnsafePointer(elements + (index & (PacketBurst.capacity - 1))) }
    @inline(__always) nonmutating _modify {
      yield unsafe &(elements + (index & (PacketBurst.capacity - 1))).pointee
    }
  }
}

extension FixedArrayView<Verdict> {
  /// Makes `word` the verdict at `index`, by one store.
  @inline(__always) package func store(_ word: UInt64, at index: UInt8) {
    // SAFETY: an index of eight bits; a verdict is eight bytes of integers, `word` is one (`Verdict.word`).
    unsafe UnsafeMutableRawPointer(start + Int(index)).storeBytes(of: word.littleEndian, as: UInt64.self)
  }
}
