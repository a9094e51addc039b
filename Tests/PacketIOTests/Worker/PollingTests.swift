import Dataplane
import Glibc
import PacketIO
import Testing

@Suite("Polling without packets")
struct PollingTests {
  /// A queue whose clock moves by 10 µs a poll, which ends after some polls.
  private struct SilentQueue: PacketQueue, ~Copyable {
    let polls: Int
    private(set) var asked = 0
    /// After how many polls the worker slept.
    private let sleeps: Sleeps

    final class Sleeps {
      var polls: [Int] = []
    }

    init(polls: Int, _ sleeps: Sleeps) {
      self.polls = polls
      self.sleeps = sleeps
    }

    mutating func receive(into burst: inout PacketBurst) -> ReceiveStatus {
      asked += 1
      return asked > polls ? .ended : .idle
    }

    mutating func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {}
    mutating func finish() {}
    var presentTime: PacketTime? { PacketTime(nanoseconds: 1_000_000 + UInt64(asked) * 10_000) }
    func watch(_ wakes: inout PollSet) { sleeps.polls.append(asked) }
  }

  private func sleeps(_ polling: Polling, polls: Int) throws -> [Int] {
    var generator = SplitMix64(state: 1)
    var setup = WorkerSetup(
      workers: 1, capacity: 10, ports: [WorkerRun.port1], waits: true, generator: &generator)
    setup.polling = polling
    let sleeps = SilentQueue.Sleeps()
    var queue = SilentQueue(polls: polls, sleeps)
    var worker = try Worker(setup, index: 0, events: nil)
    WorkerLoop(setup, commands: CommandRing()).run(&worker, &queue)
    return sleeps.polls.filter { $0 <= polls }
  }

  @Test func `a busy worker never sleeps`() throws {
    #expect(try sleeps(.busy, polls: 10_000).isEmpty)
  }

  @Test func `an adaptive worker sleeps once its idle budget is used up`() throws {
    #expect(try sleeps(.adaptive(idleNanoseconds: 50_000), polls: 10) == [6, 7, 8, 9, 10])
    #expect(try sleeps(.adaptive(idleNanoseconds: 0), polls: 3) == [1, 2, 3])
    #expect(try sleeps(.adaptive(idleNanoseconds: 1_000_000_000), polls: 1000).isEmpty)
  }
}

@Suite("A thread's place")
struct WorkerThreadTests {
  @Test func `a CPU that does not exist is refused, and nothing runs`() {
    #expect(throws: WorkerError.pinning(core: 8191, EINVAL)) {
      try WorkerThread(name: "test-far", on: ThreadPlace(core: 8191)) { Issue.record("it runs") }
    }
    #expect(throws: WorkerError.pinning(core: -1, EINVAL)) {
      try WorkerThread(name: "test-far", on: ThreadPlace(core: -1)) { Issue.record("it runs") }
    }
  }

  @Test func `a memory node that does not exist is noted, and the thread runs`() throws {
    let counters = CounterPage()
    let thread = try WorkerThread(name: "test-node", on: ThreadPlace(memoryNode: 1023)) {
      counters.add(.packets, 1)
    }
    thread.join()
    #expect(counters[.packets] == 1 && thread.memoryProblem != 0)
  }
}
