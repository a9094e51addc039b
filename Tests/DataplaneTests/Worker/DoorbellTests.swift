import Dataplane
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
    let took = ContinuousClock().measure { Doorbell().sleep(atMost: Self.longTime) { true } }
    #expect(took < .seconds(10))
  }

  @Test func `a sleep that nobody ends is as long as it was meant to be`() {
    let took = ContinuousClock().measure { Doorbell().sleep(atMost: 30_000_000) { false } }
    #expect(took > .milliseconds(29))
  }

  private final class Sleeper: Sendable {
    private let doorbell: Doorbell
    private let done = Atomic<Bool>(false)

    init(_ doorbell: Doorbell) { self.doorbell = doorbell }

    var isDone: Bool { done.load(ordering: .acquiring) }

    func run(_ nanoseconds: UInt64) {
      doorbell.sleep(atMost: nanoseconds) { false }
      done.store(true, ordering: .releasing)
    }
  }
}
