import Dataplane
import Testing

/// The wheel against a plain list of deadlines.
@Suite("Timer wheel")
struct TimerWheelTests {
  /// Sessions with at most one timer each; the wheel and what it ought to hold.
  private struct Bench: ~Copyable {
    static let tick: UInt64 = 1 << 26
    let memory: FlowTableMemory
    var wheel: TimerWheel
    var deadlines: [UInt64?]
    var now: UInt64
    var mostPops = 0

    init(sessions: Int, now: UInt64) throws {
      memory = try required(FlowTableMemory(recordCount: UInt32(sessions), bucketCount: 2))
      wheel = TimerWheel(at: PacketTime(nanoseconds: now))
      deadlines = Array(repeating: nil, count: sessions)
      self.now = now
      for index in 0..<UInt32(sessions) { memory[detail: index] = .empty }
    }

    mutating func arm(_ index: Int, at deadline: UInt64) {
      wheel.arm(UInt32(index), at: PacketTime(nanoseconds: deadline), in: memory)
      // A deadline already past fires with the next tick.
      deadlines[index] = max(deadline, now)
    }

    mutating func disarm(_ index: Int) {
      wheel.disarm(UInt32(index), in: memory)
      deadlines[index] = nil
    }

    /// Drains the wheel at `now`, arming again what fires early; says what went wrong.
    mutating func drain() -> String? {
      var pops = [Int](repeating: 0, count: deadlines.count)
      while let popped = wheel.popDue(at: PacketTime(nanoseconds: now), in: memory) {
        let index = Int(popped)
        pops[index] += 1
        guard let deadline = deadlines[index] else { return "\(index) fires and is not armed" }
        guard pops[index] < 50 else { return "\(index) fires again and again" }
        deadlines[index] = nil
        if deadline > now { arm(index, at: deadline) }
      }
      mostPops = max(mostPops, pops.max() ?? 0)
      for (index, deadline) in deadlines.enumerated() {
        if let deadline, deadline + Self.tick <= now { return "\(index) is late" }
      }
      let armed = deadlines.count { $0 != nil }
      if armed != Int(wheel.count) { return "\(wheel.count) armed, should be \(armed)" }
      return nil
    }
  }

  private func check(_ bench: inout Bench) {
    let problem = bench.drain()
    #expect(problem == nil)
  }

  private func expectArmed(_ count: UInt32, _ bench: borrowing Bench, _ comment: Comment? = nil) {
    let armed = bench.wheel.count
    #expect(armed == count, comment)
  }

  private static let second: UInt64 = 1_000_000_000
  private static let spans: [UInt64] = [
    1, 1_000, 1_000_000, 1 << 26, second, 17 * second, 60 * second, 1200 * second, 3600 * second,
    86_400 * second, 20 * 86_400 * second,
  ]

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func `no timer is lost or late, whatever is armed, disarmed and waited`(_ seed: UInt64) throws {
    var random = SplitMix64(state: seed)
    let sessions = [1, 8, 40, 300][Int(seed % 4)]
    var bench = try Bench(sessions: sessions, now: random.next() % (2_000_000_000 * Self.second))
    for step in 0..<100_000 {
      let index = random.below(sessions)
      switch random.below(8) {
      case 0...3 where bench.deadlines[index] == nil:
        let span = Self.spans[random.below(Self.spans.count)]
        let ahead = random.next() % (2 * span)
        bench.arm(index, at: random.oneIn(10) ? bench.now - min(bench.now, ahead) : bench.now + ahead)
      case 4:
        bench.disarm(index)
      case 5, 6:
        // Long waits are rare: they empty the wheel.
        let span = Self.spans[random.below(random.oneIn(20) ? Self.spans.count : 6)]
        bench.now += random.next() % (2 * span)
        if let problem = bench.drain() {
          Issue.record("seed \(seed) step \(step): \(problem)")
          return
        }
      default: break
      }
      if step % 1000 == 0 {
        let problems = bench.wheel.checkInvariants(in: bench.memory)
        #expect(problems.isEmpty, "seed \(seed) step \(step): \(problems)")
      }
    }
    // At last everything fires.
    bench.now += 100 * 86_400 * Self.second
    check(&bench)
    expectArmed(0, bench)
  }

  @Test func `block boundaries of all three levels lose nothing`() throws {
    for ticks: UInt64 in [
      1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 131_072, 1 << 24 - 1, 1 << 24,
    ] {
      for start: UInt64 in [0, 1, 255, 256, 65_280, 65_535, 65_536, 1 << 24 - 1] {
        var bench = try Bench(sessions: 1, now: start << 26)
        let deadline = (start + ticks) << 26
        bench.arm(0, at: deadline)
        bench.now = deadline - 1
        check(&bench)
        expectArmed(1, bench, "fired for good before its time: \(start) + \(ticks)")
        bench.now = deadline + Bench.tick
        check(&bench)
        expectArmed(0, bench, "late: \(start) + \(ticks)")
      }
    }
  }

  @Test func `a jump over years takes one look`() throws {
    var bench = try Bench(sessions: 2, now: 0)
    bench.now = 60 * 365 * 86_400 * Self.second
    check(&bench)
    bench.arm(0, at: bench.now + Self.second)
    bench.now += 60 * 365 * 86_400 * Self.second
    check(&bench)
    expectArmed(0, bench)
  }

  @Test func `a session long busy fires early a handful of times only`() throws {
    var bench = try Bench(sessions: 1, now: 0)
    bench.arm(0, at: 3600 * Self.second)
    var pops = 0
    for _ in 0..<36_000 {
      bench.now += Self.second / 10
      while bench.wheel.popDue(at: PacketTime(nanoseconds: bench.now), in: bench.memory) != nil {
        pops += 1
        bench.deadlines[0] = nil
        bench.arm(0, at: 3600 * Self.second + bench.now)
      }
    }
    #expect(pops <= 3)
  }
}
