/// 256 values, one for each packet of a burst or each port: a worker's fixed memory, allocated once.
///
/// Indices wrap at 256, so an access can never leave the allocation and costs no branch.
@safe package struct FixedArray<Element: BitwiseCopyable>: ~Copyable {
  private let elements: UnsafeMutablePointer<Element>

  package init(repeating value: Element) {
    unsafe elements = .allocate(capacity: PacketBurst.capacity)
    unsafe elements.initialize(repeating: value, count: PacketBurst.capacity)
  }

  deinit { unsafe elements.deallocate() }

  /// The elements for the length of one pass, which must not outlive the array.
  @inline(__always) package var view: FixedArrayView<Element> {
    // SAFETY: only `deinit` frees them.
    unsafe FixedArrayView(elements)
  }

  package subscript(index: Int) -> Element {
    // SAFETY: the mask keeps the index below the capacity.
    @inline(__always) unsafeAddress { unsafe UnsafePointer(elements + (index & (PacketBurst.capacity - 1))) }
    @inline(__always) unsafeMutableAddress { unsafe elements + (index & (PacketBurst.capacity - 1)) }
  }
}
