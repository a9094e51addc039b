import Dataplane
import Gateway
import Testing

@Suite("Adding sessions through the service", .serialized)
struct SessionAddTests {
  @Test(arguments: [1, 2, 4]) func `duplicates by id and tuple are refused, the rest is added`(
    workers: Int
  ) async throws {
    let bed = try SessionBed(workers: workers)
    defer { bed.stop() }
    var swapped = SessionBed.request(3, 1)
    swapped.tuple = swapped.tuple.swapped
    let requests = [
      SessionBed.request(1, 1), SessionBed.request(2, 2), SessionBed.request(1, 3), swapped,
      SessionBed.request(4, 2), SessionBed.request(0, 4), SessionBed.request(1, 1),
    ]
    let reply = await bed.service.add(requests, replacing: false)
    #expect(
      reply.outcomes.map(\.outcome) == [
        .added, .added, .alreadyExists, .alreadyExists, .alreadyExists, .added, .alreadyExists,
      ])
    let given = reply.outcomes[5].id
    #expect(given.rawValue & SessionID.serverBit != 0 && !reply.isFull && reply.commitTime != nil)
    #expect(await bed.service.session(given)?.tuple == SessionBed.tuple(4))
    let again = await bed.service.add(requests, replacing: false)
    #expect(again.outcomes.allSatisfy { $0.outcome == .alreadyExists } && again.commitTime == nil)
    #expect(bed.group.setup.capacity.count == 3, "places that were not used are given back")
    let none = await bed.service.add([], replacing: false)
    #expect(none.outcomes.isEmpty && !none.isFull && none.commitTime == nil)
  }

  @Test(arguments: [1, 2, 4]) func `an id of another tuple is in use on whichever worker it is`(
    workers: Int
  ) async throws {
    let bed = try SessionBed(workers: workers)
    defer { bed.stop() }
    _ = await bed.service.add((0..<50).map { SessionBed.request(UInt64($0) + 1, $0) }, replacing: false)
    let moved = (0..<50).map { SessionBed.request(UInt64($0) + 1, $0 + 100) }
    for replacing in [false, true] {
      let reply = await bed.service.add(moved, replacing: replacing)
      #expect(reply.outcomes.allSatisfy { $0.outcome == .alreadyExists })
    }
    // Of one id within a request the first wins, on whatever workers the tuples are.
    let twins = (0..<100).map { SessionBed.request(1000 + UInt64($0 % 10), 200 + $0) }
    let reply = await bed.service.add(twins, replacing: false)
    #expect(reply.outcomes.map { $0.outcome == .added } == (0..<100).map { $0 < 10 })
    #expect(bed.group.setup.capacity.count == 60)
  }

  @Test(arguments: [1, 2, 4], [3, 600]) func `one too many and none is inserted`(
    workers: Int, size: Int
  ) async throws {
    let bed = try SessionBed(workers: workers, capacity: size)
    defer { bed.stop() }
    let requests = (0...size).map { SessionBed.request(UInt64($0) + 1, $0) }
    let full = await bed.service.add(requests, replacing: false)
    #expect(full.isFull && full.commitTime == nil)
    #expect(full.outcomes.allSatisfy { $0.outcome == .tableFull })
    #expect(bed.group.setup.capacity.count == 0 && bed.group.total(.sessionsOpened) == 0)
    // Duplicates do not count: exactly as many as fit.
    let fitting = Array(requests.dropLast()) + [requests[0], requests[1]]
    let reply = await bed.service.add(fitting, replacing: false)
    #expect(!reply.isFull && reply.outcomes.count { $0.outcome == .added } == size)
    #expect(reply.outcomes.suffix(2).allSatisfy { $0.outcome == .alreadyExists })
    #expect(bed.group.setup.capacity.count == size)
    // In a full table duplicates are told from what does not fit, and changes in place are made.
    let mixed = await bed.service.add([requests[0], requests[size]], replacing: false)
    #expect(mixed.isFull && mixed.outcomes.map(\.outcome) == [.alreadyExists, .tableFull])
    let changed = await bed.service.add([requests[0], requests[1]], replacing: true)
    #expect(!changed.isFull && changed.outcomes.allSatisfy { $0.outcome == .replaced })
  }

  @Test(arguments: [1, 2], [1, 600]) func `a service that has ended says so, not that it is full`(
    workers: Int, size: Int
  ) async throws {
    let bed = try SessionBed(workers: workers)
    bed.stop()
    let requests = (0..<size).map { SessionBed.request(UInt64($0) + 1, $0) }
    let reply = await bed.service.add(requests, replacing: false)
    #expect(!reply.isFull && reply.commitTime == nil)
    #expect(reply.outcomes.count == size && reply.outcomes.allSatisfy { $0.outcome == .unavailable })
  }

  @Test(arguments: [1, 2]) func `expired sessions make room`(workers: Int) async throws {
    let bed = try SessionBed(workers: workers, capacity: 10)
    defer { bed.stop() }
    _ = await bed.service.add(
      (0..<10).map { SessionBed.request(UInt64($0) + 1, $0, timeout: 5) }, replacing: false)
    await bed.pass(to: SessionBed.start + 5 * SessionBed.second + 1)
    let reply = await bed.service.add(
      (0..<10).map { SessionBed.request(UInt64($0) + 21, $0 + 20) }, replacing: false)
    #expect(!reply.isFull && reply.outcomes.allSatisfy { $0.outcome == .added })
    #expect(bed.group.total(.closedTimeout) == 10)
  }

  @Test(arguments: [1, 2]) func `a change in place keeps counters, and the next packet obeys`(
    workers: Int
  ) async throws {
    let bed = try SessionBed(workers: workers)
    defer { bed.stop() }
    _ = await bed.service.add([SessionBed.request(7, 1)], replacing: false)
    let packet = SessionBed.packet(SessionBed.tuple(1), at: SessionBed.start + 1)
    await bed.send([packet, packet])
    let reply = await bed.service.add([SessionBed.request(7, 1, action: .drop)], replacing: true)
    #expect(reply.outcomes.map(\.outcome) == [.replaced] && reply.commitTime != nil)
    await bed.send([packet])
    #expect(bed.group.total(.dropped) == 1)
    let session = await bed.service.session(SessionID(7))
    #expect(session?.action == .drop && session?.inPackets == 3)
  }

  @Test(arguments: [1, 2]) func `a learned session is taken over, also in a full table`(
    workers: Int
  ) async throws {
    let bed = try SessionBed(workers: workers, capacity: 1, miss: .learn)
    defer { bed.stop() }
    await bed.send([SessionBed.packet(SessionBed.tuple(1), at: SessionBed.start + 1)])
    #expect(bed.group.setup.capacity.count == 1)
    let reply = await bed.service.add(
      [SessionBed.request(5, 1), SessionBed.request(6, 1)], replacing: false)
    #expect(!reply.isFull && reply.outcomes.map(\.outcome) == [.tookOver, .alreadyExists])
    #expect(await bed.service.session(SessionID(5))?.inPackets == 1)
  }

  @Test(arguments: [1, 2]) func `tens of thousands in one request`(workers: Int) async throws {
    let bed = try SessionBed(workers: workers, capacity: 70_000)
    defer { bed.stop() }
    let requests = (0..<65_537).map { SessionBed.request(UInt64($0) + 1, $0) }
    let reply = await bed.service.add(requests, replacing: false)
    #expect(reply.outcomes.count { $0.outcome == .added } == 65_537)
    let listed = try await bed.service.all(.live, page: 1024)
    #expect(listed.count == 65_537 && Set(listed.map(\.id)).count == 65_537)
    #expect(bed.group.total(.commands) > 100 && bed.group.total(.commandNanoseconds) > 0)
  }

  @Test func `a stopped service answers everybody`() async throws {
    let bed = try SessionBed()
    let waiting = Task { await bed.service.waitForClosed() }
    let notices = try #require(bed.service.notices())
    bed.stop()
    await waiting.value
    for await _ in notices {}
    #expect(await bed.service.session(SessionID(1)) == nil)
    #expect(try await bed.service.list(.live, from: nil, limit: 10).sessions.isEmpty)
    #expect(bed.service.leaseClosed(limit: 5).records.isEmpty)
  }
}
