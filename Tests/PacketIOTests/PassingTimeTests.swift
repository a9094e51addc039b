import Dataplane
import PacketIO
import Testing

@Suite("Time passes without packets")
struct PassingTimeTests {
  /// The first of these packets is received; then only time passes.
  private func pass(_ packets: [[UInt8]], seconds: Double) throws -> (Counts, isLive: Bool) {
    let setup = WorkerRun.setup()
    var worker = try Worker(setup, index: 0, events: nil)
    var queue = MemoryQueue(packets.map { MemoryQueue.Packet($0) })
    var burst = PacketBurst()
    #expect(queue.receive(into: &burst) == .packets)
    worker.take(&burst, through: &queue)
    worker.passTime(to: .seconds(seconds), &burst, through: &queue)
    return (Counts(setup.counters), setup.counters[0][.liveSessions] == 1)
  }

  @Test func `sessions end when it is their time`() throws {
    let packet = Build.udp(Build.tuple())
    let before = try pass([packet], seconds: 59)
    #expect(before.isLive && before.0[.closedTimeout] == 0)
    let after = try pass([packet], seconds: 62)
    #expect(!after.isLive && after.0[.closedTimeout] == 1)
  }

  @Test func `fragments that wait are given up when it is their time`() throws {
    let later = Array(Build.fragments(Build.tuple(), payload: 1000, size: 400).dropFirst())
    let before = try pass(later, seconds: 1)
    #expect(before.0[.held] == 2 && before.0[.packets] == 0)
    let after = try pass(later, seconds: 1000)
    #expect(after.0[.held] == 0 && after.0[.packets] == 2)
    #expect(after.0[DropReason.fragmentTimeout] == 2)
  }

  @Test func `in replay there is no time but that of packets`() {
    #expect(MemoryQueue([]).presentTime == nil)
  }
}
