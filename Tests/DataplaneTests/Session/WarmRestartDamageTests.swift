import Dataplane
import Glibc
import Testing

/// Files that were cut short or written into: what comes back is sound, and nothing crashes.
@Suite("Warm restart from damaged files")
struct WarmRestartDamageTests {
  private static let later = ShardBench.start.advanced(by: SessionBench.second)

  /// Sessions of both families with policies of every action.
  private func fill(_ bench: ShardBench) throws {
    for worker in 0..<bench.workers {
      var table = try bench.table(worker, isOld: false)
      for port in 0..<24 as Range<UInt16> {
        var request = Ends(clientPort: port).request(port % 2 == 0 ? 0 : UInt64(port), timeout: 60)
        request.action = Action.allCases[Int(port) % Action.allCases.count]
        if port % 3 == 0 {
          request.tuple.source = IPAddress(ipv6High: 1, low: UInt64(port))
          request.tuple.destination = IPAddress(ipv6High: 2, low: 3)
          request.nextHop = IPAddress(ipv6High: 4, low: 5)
        }
        var addresses6 = FlowAddresses6()
        let key = FlowKey(request.tuple, secret: SessionBench.secret, addresses6: &addresses6)
        guard key.hash.worker(of: UInt32(bench.workers)) == worker else { continue }
        #expect(table.add(request, replacing: false, at: ShardBench.start).outcome == .added)
      }
    }
  }

  /// Where a shard's file has anything.
  private static let used: [(offset: Int, length: UInt64)] = [
    (0, 120), (512, 24), (ShardBench.policies, 64 * 6), (ShardBench.records, 64 * 24),
    (ShardBench.details, 48 * 24), (ShardBench.addresses, 32 * 64),
    (ShardBench.records + 64 * 40, 64 * 24), (ShardBench.details + 48 * 40, 48 * 24),
  ]

  private func damage(_ bench: ShardBench, _ changes: Int, _ generator: inout SplitMix64) {
    for _ in 0..<changes {
      let place = Self.used[Int(generator.next() % UInt64(Self.used.count))]
      let worker = Int(generator.next() % UInt64(bench.workers))
      let offset = place.offset + Int(generator.next() % place.length)
      bench.flip(offset, UInt8(truncatingIfNeeded: generator.next()), worker: worker)
    }
  }

  /// Every session can be found, deleted, and times out; then nothing is left.
  private func exhaust(_ table: inout SessionTable) {
    #expect(table.checkInvariants() == [])
    for session in table.all() where session.state != .closed && session.id.rawValue % 2 == 0 {
      _ = table.find(session.id, at: Self.later)
      _ = table.delete(session.id, at: Self.later)
    }
    for port in 0..<24 as Range<UInt16> {
      _ = table.find(Ends(clientPort: port).packet(at: Self.later.nanoseconds), FlowAddresses6())
      _ = table.add(Ends(clientPort: port).request(UInt64(port) + 500), replacing: true, at: Self.later)
    }
    #expect(table.checkInvariants() == [])
    while !table.expire(at: Self.later.advanced(by: 1 << 60), isExact: true) { table.ended.removeAll() }
    #expect(table.live == 0 && table.lingering == 0)
  }

  @Test func `any bytes of a file may have changed`() throws {
    var generator = SplitMix64(state: 43)
    for round in 0..<200 {
      let bench = try ShardBench()
      try fill(bench)
      damage(bench, 1 + round % 50, &generator)
      do {
        var table = try bench.table(isOld: true, at: Self.later)
        exhaust(&table)
      } catch is ShardHeader.Problem {
        // What is wrong with a header costs everything.
      }
    }
  }

  @Test func `so may those of files of another number of workers`() throws {
    var generator = SplitMix64(state: 47)
    for round in 0..<100 {
      let old = try ShardBench(workers: 2)
      try fill(old)
      damage(old, 1 + round % 50, &generator)
      let new = try ShardBench(records: 40, workers: 3)
      do {
        let stored = try (0..<2).map { try old.mapping($0, isOld: true, isWritable: false) }
        for shard in stored { _ = try required(StoredSessions(shard)).countLive(at: Self.later) }
        for worker in 0..<3 {
          var table = try new.table(worker, isOld: false, from: stored, at: Self.later)
          exhaust(&table)
        }
      } catch is ShardHeader.Problem {
        // As above.
      }
    }
  }

  @Test func `a file that was cut or grew is refused, whatever its length`() throws {
    var generator = SplitMix64(state: 53)
    let whole = ShardLayout(recordCount: 64).byteCount
    let lengths =
      [0, 1, 119, 120, 512, 4096, 2 << 20, whole - 1, whole + 1, 2 * whole]
      + (0..<20).map { _ in Int(generator.next() % UInt64(whole)) }
    for length in lengths {
      let bench = try ShardBench()
      try fill(bench)
      #expect(ftruncate(bench.files[0], length) == 0)
      #expect(throws: ShardHeader.Problem.truncated, "\(length) bytes") {
        _ = try bench.mapping(isOld: true)
      }
    }
  }

  @Test func `a policy of which any bit has changed is none`() throws {
    for offset in 0..<64 {
      let bench = try ShardBench()
      do {
        var table = try bench.table(isOld: false)
        #expect(
          table.add(Ends().request(7, timeout: 60), replacing: false, at: ShardBench.start).outcome == .added)
      }
      bench.flip(ShardBench.policies + offset, UInt8(1 << (offset % 8)))
      let table = try bench.table(isOld: true, at: Self.later)
      #expect(table.live == 0 && table.restored.discarded == 1, "byte \(offset)")
    }
  }

  @Test func `counters at their end begin anew`() throws {
    let bench = try ShardBench()
    var table = try bench.table(isOld: false)
    #expect(
      table.add(Ends().request(7, timeout: 60), replacing: false, at: ShardBench.start).outcome == .added)
    let index = try required(table.record(of: SessionID(7)))
    for side in [\SessionRecord.low.packets, \SessionRecord.high.packets] {
      table.flows.memory[index][keyPath: side] = .max
    }
    table.flows.memory[detail: index].lowPacketsCarry = .max
    table.flows.memory[detail: index].highPacketsCarry = .max
    let isTaken = table.accept(Ends().packet(at: Self.later.nanoseconds), into: index)
    #expect(isTaken)
    let after = try required(table.find(SessionID(7), at: Self.later))
    #expect(after.inPackets == 0 && after.outPackets == UInt64(UInt32.max) << 32 | UInt64(UInt32.max))
  }

  @Test func `a policy comes back as it was, of every action and family`() throws {
    for (number, hop) in [nil, IPAddress(ipv4: 0x0A00_0001), IPAddress(ipv6High: 1, low: 2)].enumerated() {
      for action in Action.allCases {
        let bench = try ShardBench()
        var request = Ends(clientPort: UInt16(number)).request(7, timeout: 60)
        request.action = action
        request.nextHop = hop
        let before: SessionPolicy
        do {
          var table = try bench.table(isOld: false)
          #expect(table.add(request, replacing: false, at: ShardBench.start).outcome == .added)
          let index = try required(table.record(of: SessionID(7)))
          before = table.policies[table.flows.memory[index].policy]
        }
        let table = try bench.table(isOld: true)
        let index = try required(table.record(of: SessionID(7)))
        #expect(table.policies[table.flows.memory[index].policy] == before)
      }
    }
  }
}
