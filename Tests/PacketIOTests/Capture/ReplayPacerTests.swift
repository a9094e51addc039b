import Dataplane
import PacketIO
import Testing

/// Times are arguments, so nothing sleeps here.
@Suite("When packets of a paced replay are due")
struct ReplayPacerTests {
  private let second: UInt64 = 1_000_000_000

  /// Lets packets in as soon as they are due; wall times in nanoseconds after the first.
  private func schedule(_ rate: ReplayRate, _ times: [UInt64]) -> [UInt64] {
    var pacer = ReplayPacer(rate)
    var now: UInt64 = 77
    return times.map { time in
      let wait = pacer.wait(for: PacketTime(nanoseconds: time), now: now)
      now += wait
      if wait > 0 { #expect(pacer.wait(for: PacketTime(nanoseconds: time), now: now) == 0) }
      return now - 77
    }
  }

  @Test func `packets a second are evenly apart, whatever the capture says`() {
    #expect(
      schedule(.packetsPerSecond(10), [5, 5, 9000, 9001]) == [0, second / 10, second / 5, second * 3 / 10])
    #expect(schedule(.packetsPerSecond(0.5), [1, 2]) == [0, 2 * second])
  }

  @Test func `many packets a second do not drift`() {
    let count = 3_000_000
    let last = schedule(.packetsPerSecond(3e6), [UInt64](repeating: 1, count: count + 1)).last
    #expect(last.map { $0 > second - 100 && $0 <= second } == true, "\(String(describing: last))")
  }

  @Test func `the capture's own gaps`() {
    let begin = 1_700_000_000 * second
    let times = [0, 3, 3, 1_000_000, 86_400 * second].map { begin + $0 }
    #expect(schedule(.capture, times) == [0, 3, 3, 1_000_000, 86_400 * second])
  }

  @Test func `a multiplier divides the capture's gaps, and cannot overflow`() {
    for (multiplier, expected) in [(2.0, [0, second / 2, second]), (0.5, [0, 2 * second, 4 * second])] {
      var pacer = ReplayPacer(.capture, multiplier: multiplier)
      var now: UInt64 = 0
      var due: [UInt64] = []
      for time in [0, second, 2 * second] {
        now += pacer.wait(for: PacketTime(nanoseconds: time), now: now)
        due.append(now)
      }
      #expect(due == expected)
    }
    var pacer = ReplayPacer(.capture, multiplier: 1e-6)
    #expect(pacer.wait(for: .zero, now: 5) == 0)
    #expect(pacer.wait(for: PacketTime(nanoseconds: 1 << 62), now: 5) == UInt64.max - 5)
  }

  @Test func `max never waits`() {
    #expect(schedule(.max, [5, second, 7 * second]) == [0, 0, 0])
  }

  @Test func `a short delay is made up for, a long one is not`() {
    for (delay, expected) in [(second / 2, 0), (2 * second, second / 10)] {
      var pacer = ReplayPacer(.packetsPerSecond(10))
      #expect(pacer.wait(for: .zero, now: 0) == 0)
      #expect(pacer.wait(for: .zero, now: delay) == 0)
      #expect(pacer.wait(for: .zero, now: delay) == expected)
    }
  }

  @Test func `asking again does not count`() {
    var pacer = ReplayPacer(.packetsPerSecond(1))
    #expect(pacer.wait(for: .zero, now: 0) == 0)
    for now in stride(from: UInt64(0), to: second, by: 100_000_000) {
      #expect(pacer.wait(for: .zero, now: now) == second - now)
    }
    #expect(pacer.wait(for: .zero, now: second) == 0)
  }
}

@Suite("By how much the rounds of a replay are shifted")
struct ReplayRoundsTests {
  private func time(_ nanoseconds: UInt64) -> PacketTime { PacketTime(nanoseconds: nanoseconds) }

  /// The shifts of the rounds after the first.
  private func shifts(_ total: UInt64?, start: UInt64 = 1000, end: UInt64, packets: UInt64) -> [UInt64] {
    var rounds = ReplayRounds(total: total)
    var shifts: [UInt64] = []
    while shifts.count < 5,
      rounds.next(start: time(start), end: time(end), packets: packets) == .another
    {
      shifts.append(rounds.shift)
    }
    return shifts
  }

  @Test func `the capture's length and the mean gap, in whole microseconds`() {
    #expect(shifts(3, end: 1000 + 90_000, packets: 10) == [100_000, 200_000])
    #expect(shifts(3, end: 1000 + 90_001, packets: 10) == [101_001, 202_002])
    #expect(shifts(2, end: 1000 + 5, packets: 2) == [1005])
  }

  @Test func `a microsecond where there is no gap`() {
    #expect(shifts(4, end: 1000, packets: 1) == [1000, 2000, 3000])
    #expect(shifts(4, end: 1000, packets: 7) == [1000, 2000, 3000])
  }

  @Test func `one round, no packets, and no end`() {
    #expect(shifts(1, end: 2000, packets: 9).isEmpty)
    #expect(shifts(nil, end: 2000, packets: 0).isEmpty)
    #expect(shifts(nil, end: 1000, packets: 1).count == 5)
  }

  @Test func `time does not wrap`() {
    var rounds = ReplayRounds(total: nil)
    #expect(rounds.next(start: time(0), end: time(.max / 2), packets: 2) == .pastTheEndOfTime)
    #expect(rounds.next(start: time(0), end: time(.max), packets: 2) == .pastTheEndOfTime)
    #expect(rounds.shift == 0 && rounds.index == 0)
  }
}
