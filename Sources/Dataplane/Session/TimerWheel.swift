/// A hierarchical timer wheel over session records. Timers are armed on opening and when a state changes;
/// packets only write a time, and a timer that fires early is armed again.
///
/// Three levels of 256 slots; a tick is 2^26 ns (67 ms), so the wheel spans 13 days: a
/// timer beyond that is armed again there. Slots are lists linked through the sessions' details. Owned by
/// one worker.
package struct TimerWheel: ~Copyable {
  /// `SessionDetail.slot` of a session in no list.
  package static let unarmed = UInt16.max
  private static let none = UInt32.max
  /// Tick length as a power of two of nanoseconds.
  private static let tickShift: UInt64 = 26
  private static let levels = 3
  private static let slotBits: UInt64 = 8
  private static let slots = 256

  /// List heads, level by level.
  private var heads: [UInt32]
  /// Timers per level: empty levels are skipped in one step.
  private var counts: [UInt32]
  private var tick: UInt64
  /// The time at which it was made.
  package let start: PacketTime
  /// Sessions armed.
  package private(set) var count: UInt32 = 0

  package init(at time: PacketTime) {
    heads = Array(repeating: Self.none, count: Self.levels * Self.slots)
    counts = Array(repeating: 0, count: Self.levels)
    tick = time.nanoseconds >> Self.tickShift
    start = time
  }

  /// The time that `popDue` must be asked for to get every timer whose deadline is not after `time`. It
  /// moves the wheel a tick ahead, where those lie that became due within the present tick.
  package func ahead(of time: PacketTime) -> PacketTime {
    PacketTime(nanoseconds: (max(time.nanoseconds >> Self.tickShift, tick) + 1) << Self.tickShift)
  }

  /// Whether the wheel was moved ahead of `time`.
  package func isAhead(of time: PacketTime) -> Bool { time.nanoseconds >> Self.tickShift < tick }

  /// Whether `popDue` has anything to look at: a tick has passed.
  @inline(__always) package func isDue(_ time: PacketTime) -> Bool {
    time.nanoseconds >> Self.tickShift > tick
  }

  /// Arms session `index` to fire at the first tick after `deadline`. It must not be armed.
  package mutating func arm(_ index: UInt32, at deadline: PacketTime, in memory: borrowing FlowTableMemory) {
    let due = max(deadline.nanoseconds >> Self.tickShift, tick) + 1
    let ahead = min(due - tick, UInt64(1) << (Self.slotBits * UInt64(Self.levels)) - 1)
    let target = tick + ahead
    let level = ahead < 256 ? 0 : ahead < 65_536 ? 1 : 2
    let slot = level * Self.slots + Int(target >> (Self.slotBits * UInt64(level)) & 255)
    let head = heads[slot]
    memory[detail: index].slot = UInt16(slot)
    memory[detail: index].previous = Self.none
    memory[detail: index].next = head
    if head != Self.none { memory[detail: head].previous = index }
    heads[slot] = index
    counts[level] += 1
    count += 1
  }

  /// Takes session `index` out of its list, if it is in one.
  package mutating func disarm(_ index: UInt32, in memory: borrowing FlowTableMemory) {
    let detail = memory[detail: index]
    guard detail.slot != Self.unarmed else { return }
    if detail.previous == Self.none {
      heads[Int(detail.slot)] = detail.next
    } else {
      memory[detail: detail.previous].next = detail.next
    }
    if detail.next != Self.none { memory[detail: detail.next].previous = detail.previous }
    memory[detail: index].slot = Self.unarmed
    counts[Int(detail.slot) / Self.slots] -= 1
    count -= 1
  }

  /// The next session whose timer fires at or before `time`, disarmed; nil when there is none (left).
  ///
  /// It may fire early, never more than a tick late. The caller expires it or arms it again, then asks
  /// again until nil.
  package mutating func popDue(at time: PacketTime, in memory: borrowing FlowTableMemory) -> UInt32? {
    let target = time.nanoseconds >> Self.tickShift
    while true {
      if let index = headDue() {
        disarm(index, in: memory)
        return index
      }
      guard tick < target else { return nil }
      step(towards: target)
    }
  }

  /// The first session in the slots that begin at the current tick. A slot of a higher level fires as a
  /// whole when it begins; the caller then arms its sessions at their own ticks.
  private func headDue() -> UInt32? {
    for level in 0..<Self.levels {
      let shift = Self.slotBits * UInt64(level)
      if tick & (1 << shift - 1) != 0 { return nil }
      let head = heads[level * Self.slots + Int(tick >> shift & 255)]
      if head != Self.none { return head }
    }
    return nil
  }

  /// Moves on by one tick, or over a whole block of ticks in which nothing is armed.
  private mutating func step(towards target: UInt64) {
    if count == 0 {
      tick = target
      return
    }
    var next = tick + 1
    if counts[0] == 0 { next = (tick | 255) + 1 }
    if counts[0] == 0, counts[1] == 0 { next = (tick | 65_535) + 1 }
    tick = min(next, target)
  }

  /// What is wrong with the lists, as sentences; empty when all is well. For tests.
  package func checkInvariants(in memory: borrowing FlowTableMemory) -> [String] {
    var problems: [String] = []
    for level in 0..<Self.levels {
      var length: UInt32 = 0
      for slot in level * Self.slots..<(level + 1) * Self.slots {
        var (index, previous) = (heads[slot], Self.none)
        while index != Self.none, length <= count {
          let detail = memory[detail: index]
          if detail.previous != previous || Int(detail.slot) != slot {
            problems.append("timer \(index) is linked wrongly")
          }
          (index, previous) = (detail.next, index)
          length += 1
        }
      }
      if length != counts[level] {
        problems.append("level \(level) has \(length) timers for \(counts[level])")
      }
    }
    return problems
  }
}
