import Dataplane
import Gateway
import Testing

@Suite("Closed sessions of the service", .serialized)
struct SessionClosedTests {
  @Test(arguments: [1, 2]) func `a lingering session is closed at once, and its record final later`(
    workers: Int
  ) async throws {
    let bed = try SessionBed(workers: workers)
    defer { bed.stop() }
    let service = bed.service
    _ = await service.add([SessionBed.request(9, 1, .tcp)], replacing: false)
    var notices = try #require(service.notices()).makeAsyncIterator()
    let tuple = SessionBed.tuple(1, .tcp)
    let now = SessionBed.start + SessionBed.second
    await bed.send([SessionBed.packet(tuple, at: now, flags: [.rst, .ack])])
    let closed = await service.session(SessionID(9))
    #expect(closed?.state == .closed && closed?.closeCode == .reset && closed?.inPackets == 1)
    #expect(await notices.next()?.kind == .closed)
    // Late packets count, wherever one looks.
    await bed.send([SessionBed.packet(tuple, at: now + 1)])
    #expect(await service.session(SessionID(9))?.inPackets == 2)
    #expect(try await service.all(.closed).map(\.inPackets) == [2])
    #expect(try await service.all(.all).map(\.inPackets) == [2])
    #expect(try await service.all(.live).isEmpty)
    #expect(service.leaseClosed(limit: 10).records.isEmpty, "it may still change")
    await bed.send([SessionBed.packet(tuple.swapped, at: now + 2)])
    await bed.pass(to: now + 11 * SessionBed.second)
    await service.waitForClosed()
    let lease = service.leaseClosed(limit: 10)
    #expect(lease.records.map(\.inPackets) == [2] && lease.records.map(\.outPackets) == [1])
    #expect(lease.records.first?.end.nanoseconds == now)
    #expect(service.leaseClosed(limit: 10).records.isEmpty, "nobody else is sent it")
    service.settle(lease, sent: 0)
    #expect(service.leaseClosed(limit: 10).records == lease.records)
    service.settle(lease, sent: 1)
    #expect(await service.session(SessionID(9)) == nil)
    #expect(service.closedStatus.retained == 0 && service.closedStatus.lost == 0)
  }

  @Test(arguments: [1, 2]) func `delete ends a live session, then acknowledges closed ones, newest first`(
    workers: Int
  ) async throws {
    let bed = try SessionBed(workers: workers)
    defer { bed.stop() }
    let service = bed.service
    var now = SessionBed.start
    for round in 1...2 {
      _ = await service.add([SessionBed.request(9, round, .tcp)], replacing: false)
      now += SessionBed.second
      await bed.send([
        SessionBed.packet(SessionBed.tuple(round, .tcp), at: now, flags: [.rst, .ack])
      ])
    }
    _ = await service.add([SessionBed.request(9, 3)], replacing: false)
    await bed.send([SessionBed.packet(SessionBed.tuple(3), at: now)])
    #expect(try await service.all(.all).map(\.id.rawValue) == [9, 9, 9])
    let deleted = await service.delete(SessionID(9))
    #expect(deleted?.state == .closed && deleted?.closeCode == .notClosed && deleted?.inPackets == 1)
    #expect(deleted?.end.nanoseconds == now && deleted?.tuple == SessionBed.tuple(3))
    #expect(await service.delete(SessionID(9))?.tuple == SessionBed.tuple(2, .tcp))
    #expect(await service.session(SessionID(9))?.tuple == SessionBed.tuple(1, .tcp))
    // What was acknowledged while it lingered leaves nothing behind when it is forgotten.
    await bed.pass(to: now + 20 * SessionBed.second)
    await service.waitForClosed()
    let lease = service.leaseClosed(limit: 10)
    #expect(lease.records.map(\.tuple) == [SessionBed.tuple(1, .tcp)])
    #expect(await service.delete(SessionID(9)) != nil)
    #expect(await service.delete(SessionID(9)) == nil)
    service.settle(lease, sent: 0)
    #expect(service.leaseClosed(limit: 10).records.isEmpty)
  }

  @Test func `deleted sessions leave a record where that is asked for`() async throws {
    for reportsDeleted in [false, true] {
      let bed = try SessionBed(reportsDeleted: reportsDeleted)
      _ = await bed.service.add([SessionBed.request(1, 1)], replacing: false)
      _ = await bed.service.delete(SessionID(1))
      #expect(try await bed.service.all(.closed).count == (reportsDeleted ? 1 : 0))
      bed.stop()
    }
  }

  @Test func `those who look on hear of everything in order, or how much they missed`() async throws {
    let bed = try SessionBed()
    defer { bed.stop() }
    let service = bed.service
    let notices = try #require(service.notices())
    let slow = try #require(service.notices())
    _ = await service.add([SessionBed.request(1, 1, timeout: 5)], replacing: false)
    _ = await service.add([SessionBed.request(1, 1, timeout: 6)], replacing: true)
    _ = await service.add([SessionBed.request(2, 2, timeout: 5)], replacing: false)
    _ = await service.delete(SessionID(2))
    await bed.pass(to: SessionBed.start + 7 * SessionBed.second)
    var seen: [String] = []
    for await notice in notices {
      seen.append("\(notice.kind) \(notice.session.id)")
      if seen.count == 5 { break }
    }
    #expect(seen == ["added 1", "changed 1", "added 2", "deleted 2", "closed 1"])
    for round in 0..<50 {
      let first = 10 + round * 100
      let requests = (first..<first + 100).map { SessionBed.request(UInt64($0), $0) }
      _ = await service.add(requests, replacing: false)
    }
    await bed.settle { bed.group.total(.sessionsOpened) == 5002 }
    _ = await service.session(SessionID(1))
    var (heard, lost): (UInt64, UInt64) = (0, 0)
    for await notice in slow {
      heard += 1
      lost += notice.lost
      // One more when there is room again tells of the loss.
      if heard == 4096 { _ = await service.delete(SessionID(10)) }
      if notice.kind == .deleted, notice.session.id == SessionID(10) { break }
    }
    #expect(heard + lost == 5 + 5000 + 1)
  }

  @Test func `the oldest records make room for new ones, and are counted`() async throws {
    let bed = try SessionBed(retention: 10)
    defer { bed.stop() }
    _ = await bed.service.add(
      (0..<30).map { SessionBed.request(UInt64($0) + 1, $0, timeout: UInt32($0) + 1) }, replacing: false)
    for second in 1...32 { await bed.pass(to: SessionBed.start + UInt64(second) * SessionBed.second) }
    await bed.settle { bed.service.closedStatus.lost == 20 }
    #expect(bed.service.closedStatus == (retained: 10, limit: 10, lost: 20))
    let kept = try await bed.service.all(.closed, page: 3).map(\.id.rawValue)
    // Those that end within one tick of the timers do so in any order.
    #expect(kept.sorted() == Array(21...30))
  }

  @Test func `a wait for records ends with its task`() async throws {
    let bed = try SessionBed()
    defer { bed.stop() }
    for delay in 0..<3 {
      let waiting = Task { await bed.service.waitForClosed() }
      try await Task.sleep(for: .milliseconds(delay))
      waiting.cancel()
      await waiting.value
    }
  }
}
