import Dataplane
import Glibc
import Synchronization
import Testing

@Suite("Doorbell")
struct DoorbellTests {
  private static let longTime: UInt64 = 20_000_000_000

  @Test func `ringing ends a sleep`() throws {
    let doorbell = Doorbell()
    let took = try ContinuousClock().measure {
      let box = Sleeper(doorbell)
      let thread = try WorkerThread(name: "sleeper") { box.run(Self.longTime) }
      // It may not sleep yet: then a ring is for nothing, and the next one is not.
      while !box.isDone { doorbell.ring() }
      thread.join()
    }
    #expect(took < .seconds(10))
  }

  @Test func `work that is there already is not slept over`() {
    var wakes = PollSet()
    let took = ContinuousClock().measure { Doorbell().sleep(atMost: Self.longTime, &wakes) { true } }
    #expect(took < .seconds(10))
  }

  @Test func `a sleep that nobody ends is as long as it was meant to be`() {
    var wakes = PollSet()
    let took = ContinuousClock().measure { Doorbell().sleep(atMost: 30_000_000, &wakes) { false } }
    #expect(took > .milliseconds(29))
  }

  @Test func `a descriptor that is readable ends a sleep, one with an error does not`() throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    var wakes = PollSet()
    // Nobody has 1 << 20 descriptors: poll(2) says POLLNVAL of it, at once.
    wakes.watch(1 << 20)
    wakes.watch(ends[0])
    let silent = ContinuousClock().measure { Doorbell().sleep(atMost: 30_000_000, &wakes) { false } }
    #expect(silent > .milliseconds(29))
    wakes.removeAll()
    wakes.watch(1 << 20)
    wakes.watch(ends[0])
    try #require(write(ends[1], "x", 1) == 1)
    let woken = ContinuousClock().measure { Doorbell().sleep(atMost: Self.longTime, &wakes) { false } }
    #expect(woken < .seconds(10))
  }

  @Test func `more descriptors than fit are left out`() {
    var wakes = PollSet()
    for _ in 0...PollSet.capacity { wakes.watch(-1) }
    let took = ContinuousClock().measure { Doorbell().sleep(atMost: 1_000_000, &wakes) { false } }
    #expect(took < .seconds(10))
  }

  private final class Sleeper: Sendable {
    private let doorbell: Doorbell
    private let done = Atomic<Bool>(false)

    init(_ doorbell: Doorbell) { self.doorbell = doorbell }

    var isDone: Bool { done.load(ordering: .acquiring) }

    func run(_ nanoseconds: UInt64) {
      var wakes = PollSet()
      doorbell.sleep(atMost: nanoseconds, &wakes) { false }
      done.store(true, ordering: .releasing)
    }
  }
}
