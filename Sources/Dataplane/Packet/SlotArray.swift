/// A fixed number of values in memory that is touched only where they are used. Allocated once.
///
/// A value must be written before it is read.
@safe package struct SlotArray<Element: BitwiseCopyable>: ~Copyable {
  private let elements: UnsafeMutablePointer<Element>
  package let count: Int

  package init(count: Int) {
    self.count = max(count, 1)
    unsafe elements = .allocate(capacity: self.count)
  }

  deinit { unsafe elements.deallocate() }

  package subscript(index: UInt32) -> Element {
    unsafeAddress {
      precondition(Int(index) < count, "a slot lies outside its array")
      // SAFETY: checked above.
      return unsafe UnsafePointer(elements + Int(index))
    }
    unsafeMutableAddress {
      precondition(Int(index) < count, "a slot lies outside its array")
      // SAFETY: checked above.
      return unsafe elements + Int(index)
    }
  }
}

/// "No slot", where a slot's number is expected.
package enum Slot {
  package static let none = UInt32.max
}
