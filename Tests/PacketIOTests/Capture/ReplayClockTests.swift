import Dataplane
import PacketIO
import Testing

@Suite("Replay time (design decision 2)")
struct ReplayClockTests {
  private static let day: UInt64 = 86_400_000_000_000
  private static let start: UInt64 = 1_700_000_000_000_000_000

  /// The clock's times for packets captured at these offsets from the start.
  ///
  /// - Parameter first: the offset at which the clock begins.
  private func times(_ offsets: [Int], from first: Int = 0) -> (clock: ReplayClock, times: [Int]) {
    var clock = ReplayClock(start: PacketTime(nanoseconds: UInt64(Int(Self.start) + first)))
    let times = offsets.map { offset in
      let time = clock.advance(to: UInt64(Int(Self.start) + offset))
      _ = clock.nextSequence()
      return Int(time.nanoseconds) - Int(Self.start)
    }
    return (clock, times)
  }

  private let day = Int(ReplayClockTests.day)

  @Test func `time follows the packets`() {
    let (clock, times) = times([0, 5, 5, 70, day])
    #expect(times == [0, 5, 5, 70, day] && clock.jumps == 0 && clock.reversals == 0)
  }

  @Test func `time stands still for what lies behind`() {
    let (clock, times) = times([10, 4, -3 * day, 9, 12])
    #expect(times == [10, 10, 10, 10, 12] && clock.reversals == 3 && clock.jumps == 0)
  }

  @Test func `one absurd packet changes nothing`() {
    let (clock, times) = times([10, 40 * day, 20, 30])
    #expect(times == [10, 10, 20, 30] && clock.jumps == 1 && clock.reversals == 0)
  }

  @Test func `a jump of more than a day is believed when the next packet confirms it`() {
    let (clock, times) = times([10, 2 * day, 2 * day + 5, 2 * day + 9])
    #expect(times == [10, 10, 2 * day + 5, 2 * day + 9] && clock.jumps == 2)
  }

  @Test func `absurd packets far apart do not confirm each other`() {
    let (clock, times) = times([10, 40 * day, 20, 40 * day + 1, 30, 40 * day + 2, 40])
    #expect(times == [10, 10, 20, 20, 30, 30, 40] && clock.jumps == 3 && clock.reversals == 0)
  }

  @Test func `the largest timestamp of a file`() {
    var clock = ReplayClock(start: .zero)
    let last = UInt64(UInt32.max) * 1_000_000_000 + UInt64(UInt32.max) * 1000
    #expect(clock.advance(to: last) == .zero)
    _ = clock.nextSequence()
    #expect(clock.advance(to: last).nanoseconds == last)
  }

  @Test func `after an absurd first timestamp time runs on with the third packet`() {
    let first = 30 * 365 * day
    let step = 100_000_000_000
    let (clock, times) = times([first] + (0..<100).map { $0 * step }, from: first)
    #expect(times == [first, first] + (0..<99).map { first + $0 * step })
    #expect(clock.jumps == 0 && clock.reversals == 2)
  }

  @Test func `a second capture that is days older runs on where the first one ended`() {
    let (clock, times) = times([0, 10, 20, -9 * day, 5 - 9 * day, 7 - 9 * day, 3 - 9 * day, 9 - 9 * day])
    #expect(times == [0, 10, 20, 20, 20, 22, 22, 24] && clock.jumps == 0)
  }

  @Test func `packets from the past do not turn time back one by one`() {
    let (clock, times) = times([10, -3 * day, 20, 1 - 3 * day, 30, 2 - 3 * day, 40])
    #expect(times == [10, 10, 20, 20, 30, 30, 40] && clock.reversals == 3)
    // Nor two at once that are days apart from each other.
    #expect(self.times([10, -3 * day, -6 * day, 20, 30]).times == [10, 10, 10, 20, 30])
  }

  @Test func `whatever the timestamps, time does not run backwards`() {
    let most = UInt64(UInt32.max) * 1_000_000_000 + UInt64(UInt32.max) * 1000
    var random = SplitMix64(state: 6)
    for _ in 0..<200 {
      var clock = ReplayClock(start: .zero)
      var (last, captured) = (PacketTime.zero, UInt64(0))
      var isMonotonic = true
      for _ in 0..<500 {
        switch random.next() % 6 {
        case 0: captured = random.next() % most
        case 1: captured = most
        case 2: captured = 0
        default: captured = min(most, captured + random.next() % (2 * Self.day))
        }
        let now = clock.advance(to: captured)
        _ = clock.nextSequence()
        isMonotonic = isMonotonic && now >= last && now == clock.now
        last = now
      }
      #expect(isMonotonic)
    }
  }

  @Test func `positions count from 0`() {
    var clock = ReplayClock(start: .zero)
    #expect((0..<3).map { _ in clock.nextSequence() } == [0, 1, 2])
  }
}
