import Dataplane
import Glibc
import Testing

/// Tables that vanish without a word, and come back from their files.
@Suite("Warm restart")
struct WarmRestartTests {
  private static let second = SessionBench.second

  /// Sessions of every kind and state: IPv4 and IPv6, TCP and UDP, learned and asked for, with packets both
  /// ways, closing, lingering, and gone.
  private func fill(_ table: inout SessionTable, at time: PacketTime = ShardBench.start) throws {
    let learned = try required(
      table.policies.acquire(
        SessionPolicy(
          inLIF: .any, outLIF: .any, action: .forward, nextHop: nil, idle: 3600, handshake: 30,
          timeouts: Timeouts())))
    for port in 0..<20 as Range<UInt16> {
      var ends = Ends(clientPort: port)
      ends.transport = port % 2 == 0 ? .tcp : .udp
      var request = ends.request(port % 3 == 0 ? 0 : UInt64(port) + 100, timeout: UInt32(port) + 5)
      if port % 4 == 1 {
        request.tuple.source = IPAddress(ipv6High: 0xFD00 << 48, low: UInt64(port))
        request.tuple.destination = IPAddress(ipv6High: 0xFD00 << 48, low: 99)
        request.action = .mirror
        request.nextHop = IPAddress(ipv6High: 1, low: 2)
      }
      #expect(table.add(request, replacing: false, at: time).outcome == .added)
      if port % 4 != 1 {
        for count in 0..<UInt32(port) {
          let packet = ends.packet(back: count % 3 == 0, bytes: 60 + count, at: time.nanoseconds + 1)
          let index = table.find(packet, FlowAddresses6())
          if index != FlowTable.none { _ = table.accept(packet, into: index) }
        }
      }
    }
    for port in 30..<34 as Range<UInt16> {
      let packet = Ends(clientPort: port).packet(.syn, sequence: 9, at: time.nanoseconds)
      let index = table.learn(packet, FlowAddresses6(), policy: learned)
      _ = table.accept(packet, into: index)
    }
    // One ends by RST and lingers, one has a FIN, two are deleted.
    for (port, flags) in [(2, TCPFlags.rst), (4, [.fin, .ack])] as [(UInt16, TCPFlags)] {
      let packet = Ends(clientPort: port).packet(flags, sequence: 1, at: time.nanoseconds + 5)
      let index = table.find(packet, FlowAddresses6())
      if index != FlowTable.none { _ = table.accept(packet, into: index) }
    }
    for id in [105, 108] as [UInt64] { _ = table.delete(SessionID(id), at: time) }
  }

  private func problems(_ table: borrowing SessionTable) -> [String] { table.checkInvariants() }

  @Test func `every session and counter is back`() throws {
    let bench = try ShardBench()
    var before: [SessionSnapshot] = []
    do {
      var table = try bench.table(isOld: false)
      try fill(&table)
      before = table.all()
      #expect(table.lingering == 1)
    }
    #expect(before.count == 22)
    let capacity = SessionCapacity(limit: 64)
    let later = ShardBench.start.advanced(by: Self.second)
    var table = try bench.table(isOld: true, capacity: capacity, at: later)
    #expect(table.all() == before)
    #expect(problems(table) == [])
    #expect(table.restored.live == 21 && table.restored.lingering == 1 && table.restored.discarded == 0)
    #expect(capacity.count == 21 && table.live == 21)
    // Ids lead to them, policies are shared, and a packet finds its session.
    for session in before where session.state != .closed {
      #expect(table.find(session.id, at: later) == session)
    }
    let packet = Ends(clientPort: 6).packet(at: later.nanoseconds)
    #expect(table.find(packet, FlowAddresses6()) != FlowTable.none)
    // Ids go on where they were: none is given out twice.
    let known = Set(before.map(\.id))
    for port in 50..<60 as Range<UInt16> {
      let (outcome, id) = table.add(Ends(clientPort: port).request(0), replacing: false, at: later)
      #expect(outcome == .added && !known.contains(id))
    }
    #expect(problems(table) == [])
  }

  @Test func `a second restart finds what the first one had and what came since`() throws {
    let bench = try ShardBench()
    do {
      var table = try bench.table(isOld: false)
      try fill(&table)
    }
    var before: [SessionSnapshot] = []
    do {
      var table = try bench.table(isOld: true, at: ShardBench.start.advanced(by: 10))
      _ = table.delete(SessionID(110), at: ShardBench.start.advanced(by: 10))
      #expect(
        table.add(Ends(clientPort: 99).request(7), replacing: false, at: ShardBench.start).outcome == .added)
      before = table.all()
    }
    let table = try bench.table(isOld: true, at: ShardBench.start.advanced(by: 20))
    #expect(table.all() == before && problems(table) == [])
  }

  @Test func `what timed out meanwhile ends when it would have`() throws {
    let bench = try ShardBench()
    do {
      var table = try bench.table(isOld: false)
      for port in 0..<8 as Range<UInt16> {
        let request = Ends(clientPort: port).request(UInt64(port) + 1, timeout: UInt32(port) + 1)
        _ = table.add(request, replacing: false, at: ShardBench.start)
      }
    }
    let now = ShardBench.start.advanced(by: 5 * Self.second)
    var table = try bench.table(isOld: true, at: now)
    #expect(table.live == 8)
    while !table.expire(at: now, isExact: true) {}
    #expect(table.live == 3 && table.ended.count == 5)
    for index in 0..<table.ended.count {
      let event = table.ended[index]
      #expect(event.session.closeCode == .timeout && event.kind == .ended)
      #expect(event.session.end == ShardBench.start.advanced(by: event.session.id.rawValue * Self.second))
    }
    #expect(problems(table) == [])
  }

  @Test func `a record without its mark, or changed, is none`() throws {
    let bench = try ShardBench()
    do {
      var table = try bench.table(isOld: false)
      for port in 0..<6 as Range<UInt16> {
        _ = table.add(
          Ends(clientPort: port).request(UInt64(port) + 1), replacing: false, at: ShardBench.start)
      }
    }
    let size = (record: MemoryLayout<SessionRecord>.stride, detail: MemoryLayout<SessionDetail>.stride)
    let mark = MemoryLayout<SessionDetail>.offset(of: \.mark) ?? 0
    bench.flip(ShardBench.details + 0 * size.detail + mark, 0xFF)  // a mark that is another's
    bench.flip(ShardBench.records + 1 * size.record + 2, 0x10)  // an address
    bench.flip(ShardBench.records + 2 * size.record + 13, 0x40)  // a state that there is not
    bench.flip(ShardBench.records + 3 * size.record + 12, 0x20)  // a kind that there is not
    let table = try bench.table(isOld: true)
    #expect(table.restored.discarded == 4 && table.all().map(\.id.rawValue) == [5, 6])
    #expect(problems(table) == [])
  }

  @Test func `sessions of a damaged policy are none`() throws {
    let bench = try ShardBench()
    do {
      var table = try bench.table(isOld: false)
      for port in 0..<4 as Range<UInt16> {
        let request = Ends(clientPort: port).request(UInt64(port) + 1, timeout: port < 2 ? 10 : 20)
        _ = table.add(request, replacing: false, at: ShardBench.start)
      }
    }
    bench.flip(ShardBench.policies + (MemoryLayout<SessionPolicy>.offset(of: \.action) ?? 0), 0x55)
    let table = try bench.table(isOld: true)
    #expect(table.restored.discarded == 2 && table.all().map(\.id.rawValue) == [3, 4])
    #expect(problems(table) == [])
  }

  @Test func `headers that are not ours are refused by name`() throws {
    func refusal(_ change: (ShardBench) -> Void, clock: ClockIdentity = ShardBench.clock) throws
      -> ShardHeader.Problem?
    {
      let bench = try ShardBench()
      change(bench)
      do throws(ShardHeader.Problem) {
        _ = try ShardHeader(descriptor: bench.files[0], clock: clock)
        return nil
      } catch {
        return error
      }
    }
    #expect(try refusal { _ in } == nil)
    #expect(try refusal { $0.flip(0, 1) } == .notAShard)
    #expect(try refusal { $0.flip(8, 1) } == .layout)
    #expect(try refusal { $0.flip(40, 1) } == .checksum)
    #expect(try refusal({ $0.flip(64, 1) }) == .checksum)
    #expect(try refusal { ftruncate($0.files[0], 100) } == .truncated)
    #expect(try refusal { ftruncate($0.files[0], 5 << 20) } == .truncated)
    let other = ClockIdentity(bootHigh: 1, bootLow: 9, namespace: 3)
    #expect(try refusal({ _ in }, clock: other) == .clock)
  }

  @Test(arguments: [(1, 2), (2, 1), (2, 3), (1, 1)])
  func `another number of workers, or another capacity, has the same sessions`(_ counts: (Int, Int)) throws {
    let old = try ShardBench(records: 40, workers: counts.0)
    var before: [SessionSnapshot] = []
    // Each old worker has the sessions that are its own: those of tables of one worker, dealt.
    for worker in 0..<counts.0 {
      var table = try old.table(worker, isOld: false)
      for port in 0..<30 as Range<UInt16> {
        let request = Ends(clientPort: port).request(port % 2 == 0 ? 0 : UInt64(port))
        var addresses6 = FlowAddresses6()
        let key = FlowKey(request.tuple, secret: SessionBench.secret, addresses6: &addresses6)
        if key.hash.worker(of: UInt32(counts.0)) == worker {
          _ = table.add(request, replacing: false, at: ShardBench.start)
        }
      }
      before += table.all()
    }
    #expect(before.count == 30)
    let new = try ShardBench(records: 35, workers: counts.1)
    let stored = try (0..<counts.0).map { try old.mapping($0, isOld: true, isWritable: false) }
    var after: [SessionSnapshot] = []
    for worker in 0..<counts.1 {
      var table = try new.table(worker, isOld: false, from: stored)
      after += table.all()
      #expect(problems(table) == [])
      for session in table.all() { #expect(table.find(session.id, at: ShardBench.start) == session) }
      let fresh = table.add(Ends(clientPort: 77).request(0), replacing: false, at: ShardBench.start).id
      #expect(!before.map(\.id).contains(fresh))
      _ = table.delete(fresh, at: ShardBench.start)
    }
    #expect(ShardBench.sorted(after) == ShardBench.sorted(before))
    // And once more in place, with ids that lead elsewhere.
    var again: [SessionSnapshot] = []
    for worker in 0..<counts.1 {
      var table = try new.table(worker, isOld: true)
      again += table.all()
      for session in table.all() { #expect(table.find(session.id, at: ShardBench.start) == session) }
      for session in table.all() { #expect(table.delete(session.id, at: ShardBench.start) != nil) }
      #expect(table.live == 0 && problems(table) == [])
    }
    #expect(ShardBench.sorted(again) == ShardBench.sorted(before))
  }

  @Test func `a table that is too small for what is stored says so`() throws {
    let old = try ShardBench(records: 40)
    do {
      var table = try old.table(isOld: false)
      for port in 0..<30 as Range<UInt16> {
        _ = table.add(
          Ends(clientPort: port).request(UInt64(port) + 1), replacing: false, at: ShardBench.start)
      }
    }
    let stored = try old.mapping(isOld: true, isWritable: false)
    let live = try required(StoredSessions(stored)).countLive(at: ShardBench.start)
    #expect(live == 30)
    let new = try ShardBench(records: 20)
    #expect(throws: WorkerError.noRoomForStored) { _ = try new.table(isOld: false, from: [stored]) }
  }

  @Test func `files with any bytes changed make a sound table`() throws {
    var generator = SplitMix64(state: 41)
    for round in 0..<200 {
      let bench = try ShardBench()
      do {
        var table = try bench.table(isOld: false)
        try fill(&table)
      }
      for _ in 0..<1 + round % 40 {
        let region = [512, ShardBench.policies, ShardBench.records, ShardBench.details][
          Int(generator.next() % 4)]
        let length: UInt64 = region == 512 ? 24 : 64 * 26
        bench.flip(region + Int(generator.next() % length), UInt8(truncatingIfNeeded: generator.next()))
      }
      let now = ShardBench.start.advanced(by: Self.second)
      var table = try bench.table(isOld: true, at: now)
      #expect(problems(table) == [])
      for session in table.all() where session.state != .closed {
        _ = table.find(session.id, at: now)
        _ = table.delete(session.id, at: now)
      }
      while !table.expire(at: now.advanced(by: 1 << 60), isExact: true) { table.ended.removeAll() }
      #expect(table.live == 0 && table.lingering == 0)
    }
  }
}
