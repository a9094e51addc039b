/// A count of the kernel's that is read now and then. It is the difference of two that the kernel does not
/// change at once, and may fall for a moment.
package struct RisingCount {
  private var highest: UInt64 = 0

  package init() {}

  /// How much it has risen above all readings before.
  package mutating func rise(to now: UInt64) -> UInt64 {
    let risen = now > highest ? now - highest : 0
    highest += risen
    return risen
  }
}
