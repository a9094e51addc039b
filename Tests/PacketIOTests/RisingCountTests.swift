import PacketIO
import Testing

/// Counts of the kernel's that may fall for a moment.
@Suite struct RisingCountTests {
  @Test func whatHasRisenIsCountedOnce() {
    var count = RisingCount()
    let readings: [UInt64] = [0, 5, 3, 5, 4, 9, 9]
    #expect(readings.map { count.rise(to: $0) } == [0, 5, 0, 0, 0, 4, 0])
    #expect(count.rise(to: .max) == UInt64.max - 9)
    #expect(count.rise(to: 0) == 0)
  }
}
