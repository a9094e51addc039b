import Dataplane
import Testing

/// Requests to one table: what is accepted, what is in the way, what is kept. Semantics 2.2.5, design
/// verdicts 9 and 11.
@Suite("Session requests")
struct SessionRequestTests {
  private static let wan = LIF(number: 1)
  private static let lan = LIF(number: 2)

  @Test func `an id in use is refused, whatever the tuple`() throws {
    let bench = try SessionBench()
    #expect(bench.add(Ends().request(7)) == .added)
    #expect(bench.add(Ends(clientPort: 1).request(7)) == .alreadyExists)
    #expect(bench.add(Ends(clientPort: 1).request(7), replacing: true) == .alreadyExists)
    #expect(bench.find(7)?.tuple == Ends().tuple && bench.live == 1 && bench.problems == [])
  }

  @Test func `a tuple in use is refused in either orientation`() throws {
    let bench = try SessionBench()
    #expect(bench.add(Ends().request(7)) == .added)
    for replacing in [false, true] {
      #expect(bench.add(Ends().request(8), replacing: replacing) == .alreadyExists)
      #expect(bench.add(Ends().request(8, swapped: true), replacing: replacing) == .alreadyExists)
      #expect(bench.add(Ends().request(7, swapped: true), replacing: replacing) == .alreadyExists)
    }
    #expect(bench.find(8) == nil && bench.problems == [])
  }

  @Test func `the same tuple on another pair of LIFs is another session, any collides with all`() throws {
    let bench = try SessionBench()
    #expect(bench.add(Ends().request(1, in: Self.wan, out: Self.lan)) == .added)
    #expect(bench.add(Ends().request(2, in: LIF(number: 3), out: LIF(number: 4))) == .added)
    #expect(bench.add(Ends().request(3, in: LIF(number: 1, vlan: 9), out: LIF(number: 2, vlan: 9))) == .added)
    #expect(bench.add(Ends().request(4)) == .alreadyExists)
    #expect(bench.add(Ends().request(4, in: Self.wan, out: Self.lan)) == .alreadyExists)
    // The same pair as the responder would ask for it.
    #expect(bench.add(Ends().request(4, in: Self.lan, out: Self.wan, swapped: true)) == .alreadyExists)
    // Any LIF on VLAN 9.
    #expect(
      bench.add(Ends().request(4, in: LIF(number: 0, vlan: 9), out: LIF(number: 8))) == .alreadyExists)
    // The other way through the same LIFs: no packet could belong to both.
    #expect(bench.add(Ends().request(5, in: Self.lan, out: Self.wan)) == .added)

    let ends = Ends()
    bench.send(ends.packet(lif: Self.wan, at: bench.now))
    bench.send(ends.packet(lif: LIF(number: 3), at: bench.now))
    bench.send(ends.packet(back: true, lif: LIF(number: 4), at: bench.now))
    bench.send(ends.packet(back: true, lif: LIF(number: 2, vlan: 9), at: bench.now))
    #expect(bench.send(ends.packet(lif: LIF(number: 4), at: bench.now), learns: false) == .miss)
    #expect(bench.send(ends.packet(back: true, lif: LIF(number: 3), at: bench.now), learns: false) == .miss)
    #expect(bench.find(1).map { [$0.inPackets, $0.outPackets] } == [1, 0])
    #expect(bench.find(2).map { [$0.inPackets, $0.outPackets] } == [1, 1])
    #expect(bench.find(3).map { [$0.inPackets, $0.outPackets] } == [0, 1])
    #expect(bench.problems == [])
  }

  @Test func `replacing changes action and timeout, keeps counters and state`() throws {
    let bench = try SessionBench()
    bench.add(Ends().request(7, timeout: 100))
    bench.client(.ack, 101, 501)
    bench.server([.fin, .ack], 501, 101)
    #expect(bench.add(Ends().request(7, action: .drop, timeout: 20)) == .alreadyExists)
    #expect(bench.add(Ends().request(7, action: .drop, timeout: 5), replacing: true) == .replaced)
    let session = try #require(bench.find(7))
    #expect(session.action == .drop && session.state == .closing1)
    #expect(
      session.inPackets == 1 && session.outPackets == 1 && session.start.nanoseconds == SessionBench.start)
    // The closing timer is never longer than the session's own.
    bench.wait(5)
    bench.expire()
    #expect(bench.takeEnded().map(\.closeCode) == [.timeout])
    #expect(bench.problems == [] && bench.capacity.count == 0)
  }

  @Test func `a session idle for longer than its new timeout lives on from the request`() throws {
    for isLearned in [false, true] {
      let bench = try SessionBench()
      if isLearned { bench.client(.ack, 101, 501) } else { bench.add(Ends().request(7, timeout: 100)) }
      bench.wait(50)
      #expect(
        bench.add(Ends().request(7, timeout: 10), replacing: true) == (isLearned ? .tookOver : .replaced))
      bench.now += 10 * SessionBench.second - 1
      #expect(bench.find(7) != nil)
      bench.now += 1
      #expect(bench.find(7) == nil)
      #expect(bench.takeEnded().map(\.end) == [bench.time])
    }
  }

  @Test func `a learned session is taken over with counters and state, the request names the initiator`()
    throws
  {
    for swapped in [false, true] {
      let bench = try SessionBench()
      let index = bench.shakeHands()
      let serverID = bench.snapshot(index).id
      bench.client([.fin, .ack], 101, 501)
      #expect(bench.add(Ends().request(7, swapped: swapped, action: .mirror)) == .tookOver)
      let session = try #require(bench.find(7))
      #expect(session.action == .mirror && !session.isLearned && session.state == .closing1)
      #expect(session.tuple == (swapped ? Ends().swapped : Ends().tuple))
      #expect(session.inPackets == (swapped ? 1 : 3) && session.outPackets == (swapped ? 3 : 1))
      #expect(bench.find(serverID.rawValue) == nil && bench.live == 1 && bench.totals.opened == 1)
      // Only a learned session can be taken over.
      #expect(bench.add(Ends().request(8)) == .alreadyExists)
      #expect(bench.problems == [])
      #expect(bench.delete(7) != nil && bench.problems == [])
    }
  }

  @Test func `a learned session is not taken over under an id in use, nor beside another session in the way`()
    throws
  {
    let bench = try SessionBench(learnedLIFs: (Self.wan, Self.lan))
    bench.add(Ends(clientPort: 1).request(7))
    bench.client(.ack, 101, 501)
    #expect(bench.add(Ends().request(7)) == .alreadyExists)
    #expect(bench.add(Ends().request(8, in: LIF(number: 3), out: LIF(number: 4))) == .added)
    #expect(bench.add(Ends().request(9)) == .alreadyExists)
    #expect(bench.add(Ends().request(9, in: Self.wan, out: LIF(number: 5))) == .tookOver)
    #expect(bench.live == 3 && bench.problems == [])
  }

  @Test func `a lingering session blocks neither id nor tuple nor place`() throws {
    let bench = try SessionBench(capacity: SessionCapacity(limit: 1))
    bench.add(Ends().request(7))
    bench.client(.rst, 1)
    #expect(
      bench.lingering == 1 && bench.find(7) == nil && bench.delete(7) == nil && bench.capacity.count == 0)
    #expect(bench.add(Ends(clientPort: 1).request(7)) == .added)
    #expect(bench.find(7)?.tuple.sourcePort == 1)
    _ = bench.delete(7)
    #expect(bench.lingering == 1)
    #expect(bench.add(Ends().request(9)) == .added)
    #expect(bench.lingering == 0 && bench.takeEnded().map(\.closeCode) == [.notClosed, .reset])
    #expect(bench.problems == [])
  }

  @Test func `lingering sessions give their records to new ones, longest first`() throws {
    let bench = try SessionBench(records: 4)
    for port in 0..<4 as Range<UInt16> {
      let ends = Ends(clientPort: port)
      bench.add(ends.request(UInt64(port) + 1))
      if port > 0 { bench.send(ends.packet(.rst, at: bench.now)) }
    }
    #expect(bench.lingering == 3)
    for port in 10..<13 as Range<UInt16> {
      #expect(bench.add(Ends(clientPort: port).request(UInt64(port))) == .added)
      #expect(bench.takeEnded().map(\.id) == [SessionID(UInt64(port) - 8)])
    }
    #expect(bench.add(Ends(clientPort: 20).request(20)) == .tableFull)
    #expect(bench.capacity.count == 4 && bench.problems == [])
  }

  @Test func `a table out of records takes those of expired sessions`() throws {
    let bench = try SessionBench(records: 2)
    bench.add(Ends(clientPort: 1).request(1, timeout: 1))
    bench.add(Ends(clientPort: 2).request(2, timeout: 100))
    bench.wait(1)
    #expect(bench.add(Ends(clientPort: 3).request(3)) == .added)
    #expect(bench.takeEnded().map(\.id) == [SessionID(1)])
    #expect(bench.add(Ends(clientPort: 4).request(4)) == .tableFull && bench.problems == [])
  }

  @Test func `two tables share a capacity exactly`() throws {
    let capacity = SessionCapacity(limit: 5)
    let tables = try [SessionBench(capacity: capacity), SessionBench(capacity: capacity, worker: 1)]
    for port in 0..<5 as Range<UInt16> {
      #expect(tables[Int(port) % 2].add(Ends(clientPort: port).request(UInt64(port) + 1)) == .added)
    }
    for table in tables {
      #expect(table.add(Ends(clientPort: 9).request(9)) == .tableFull)
      #expect(table.send(Ends(clientPort: 9).packet(at: table.now)) == .miss)
    }
    #expect(capacity.count == 5 && tables[0].live == 3 && tables[1].live == 2)
    _ = tables[0].delete(1)
    #expect(tables[1].add(Ends(clientPort: 9).request(9)) == .added)
    #expect(tables[0].add(Ends(clientPort: 10).request(10)) == .tableFull)
    // Idle for their 10 seconds they make room, to the nanosecond.
    for table in tables { table.now += 10 * SessionBench.second - 1 }
    #expect(tables[0].add(Ends(clientPort: 10).request(10)) == .tableFull)
    for table in tables { table.wait(0.2) }
    #expect(tables[0].add(Ends(clientPort: 10).request(10)) == .added)
    for table in tables { #expect(table.problems == []) }
    #expect(tables[0].live + tables[1].live == capacity.count)
  }

  @Test func `the server assigns ids that lead to their sessions, and only while they live`() throws {
    let bench = try SessionBench(worker: 5)
    let (outcome, id) = bench.table.add(Ends().request(0), replacing: false, at: bench.time)
    #expect(
      outcome == .added && id.rawValue & SessionID.serverBit != 0 && id.rawValue & SessionID.cursorBit == 0)
    #expect(bench.find(id.rawValue)?.tuple == Ends().tuple)
    #expect(bench.delete(id.rawValue) != nil && bench.find(id.rawValue) == nil)
    // Its record again, another id.
    let second = bench.table.add(Ends().request(0), replacing: false, at: bench.time).id
    #expect(second != id && bench.find(id.rawValue) == nil && bench.find(second.rawValue) != nil)
    #expect(bench.find(SessionID.serverBit | 0xFFFF_FFFF) == nil)
    #expect(bench.problems == [])
  }

  @Test func `delete gives the final state, once`() throws {
    let bench = try SessionBench()
    bench.add(Ends().request(7))
    bench.client(.ack, 1, 1)
    bench.wait(3)
    let last = try #require(bench.delete(7))
    #expect(
      last.state == .closed && last.closeCode == .notClosed && last.inPackets == 1 && last.end == bench.time)
    #expect(bench.delete(7) == nil && bench.find(7) == nil && bench.capacity.count == 0)
    #expect(bench.totals.deleted == 1 && bench.problems == [])
  }

  @Test func `a session whose time is over cannot be found, deleted, or be in the way`() throws {
    for attempt in 0..<3 {
      let bench = try SessionBench()
      bench.add(Ends().request(7))
      bench.wait(10)
      switch attempt {
      case 0: #expect(bench.find(7) == nil)
      case 1: #expect(bench.delete(7) == nil)
      default: #expect(bench.add(Ends().request(7)) == .added)
      }
      let ended = bench.takeEnded()
      #expect(ended.map(\.closeCode) == [.timeout] && ended[0].end == bench.time && bench.problems == [])
    }
  }

  @Test func `packet counters carry over 2^32`() throws {
    let bench = try SessionBench()
    guard case .learned(let index) = bench.client(.ack, 1, 1) else { throw OutOfMemory() }
    bench.table.flows.memory[index].low.packets = .max
    bench.table.flows.memory[index].high.packets = .max
    bench.table.flows.memory[index].low.bytes = 1 << 40
    bench.table.flows.memory[index].high.bytes = 1 << 40
    bench.client(.ack, 1, 1)
    bench.server(.ack, 1, 1)
    let session = bench.snapshot(index)
    #expect(session.inPackets == 1 << 32 && session.outPackets == 1 << 32 && session.inBytes == 1 << 40 + 100)
  }

  @Test func `a walk meets each session that exists throughout exactly once`() throws {
    var random = SplitMix64(state: 11)
    let bench = try SessionBench(records: 300, capacity: SessionCapacity(limit: 300))
    for port in 0..<100 as Range<UInt16> { bench.add(Ends(clientPort: port).request(UInt64(port) + 1)) }
    var seen: [SessionID: Int] = [:]
    var cursor: UInt32? = 0
    var next: UInt16 = 1000
    while let from = cursor {
      var page = 0
      cursor = bench.table.forEach(from: from) { session in
        seen[session.id, default: 0] += 1
        page += 1
        return page < 7
      }
      // Others come and go meanwhile.
      for _ in 0..<5 {
        bench.add(Ends(clientPort: next).request(UInt64(next)))
        next += 1
        let victim = UInt64(1000 + random.below(Int(next) - 1000))
        if random.oneIn(2) { _ = bench.delete(victim) }
      }
    }
    #expect((1...100).allSatisfy { seen[SessionID($0)] == 1 })
    #expect(seen.values.allSatisfy { $0 == 1 } && bench.problems == [])
  }
}
