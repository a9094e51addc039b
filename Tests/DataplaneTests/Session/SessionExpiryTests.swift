import Dataplane
import Testing

/// When expired sessions are noticed.
@Suite("Session expiry")
struct SessionExpiryTests {
  @Test func `exact expiry finds what became due since it was last asked, however short ago`() throws {
    let bench = try SessionBench()
    let steps: UInt64 = 60
    // Within one tick of the wheel (67 ms) they become due one after the other.
    for number in 0..<steps {
      bench.now = SessionBench.start + number * 1_000_000
      bench.add(Ends(clientPort: UInt16(number)).request(number + 1))
    }
    for number in 0..<steps {
      bench.now = SessionBench.start + number * 1_000_000 + 10 * SessionBench.second
      bench.expire()
      #expect(bench.takeEnded().map(\.id) == [SessionID(number + 1)])
    }
    #expect(bench.problems == [])
  }

  @Test func `plain expiry is at most one tick late`() throws {
    let bench = try SessionBench()
    bench.add(Ends().request(7))
    bench.now += 10 * SessionBench.second + (1 << 26)
    let isDue = bench.table.isExpiryDue(at: bench.time)
    #expect(isDue && bench.expireOnce() && bench.live == 0)
  }

  @Test func `expiry pauses when its reports are not taken, and loses none`() throws {
    let bench = try SessionBench(records: 3000, capacity: SessionCapacity(limit: 3000))
    for port in 0..<3000 as Range<UInt16> { bench.add(Ends(clientPort: port).request(UInt64(port) + 1)) }
    bench.wait(11)
    #expect(!bench.expireOnce())
    var ended = bench.takeEnded().count
    #expect(ended == 1024)
    while !bench.expireOnce() { ended += bench.takeEnded().count }
    ended += bench.takeEnded().count
    #expect(ended == 3000 && bench.table.ended.lost == 0 && bench.problems == [])
  }
}
