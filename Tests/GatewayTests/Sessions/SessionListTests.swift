import Dataplane
import Gateway
import Testing

@Suite("Lists of sessions", .serialized)
struct SessionListTests {
  @Test(arguments: [1, 2, 4]) func `what exists throughout is listed once while others come and go`(
    workers: Int
  ) async throws {
    let bed = try SessionBed(workers: workers, capacity: 40_000)
    defer { bed.stop() }
    let service = bed.service
    let stable = (1...5000).map { UInt64($0) * 2 }
    for start in stride(from: 0, to: 5000, by: 500) {
      let part = stable[start..<start + 500].flatMap {
        [SessionBed.request($0, Int($0)), SessionBed.request($0 + 1, Int($0) + 1)]
      }
      _ = await service.add(part, replacing: false)
    }
    let churn = Task {
      var next: UInt64 = 1_000_000
      while !Task.isCancelled {
        _ = await service.add(
          (0..<50).map { SessionBed.request(next + $0, Int(next + $0)) }, replacing: false)
        for odd in stride(from: next % 9000 + 3, to: next % 9000 + 43, by: 2) {
          _ = await service.delete(SessionID(odd | 1))
        }
        for offset: UInt64 in 0..<50 where offset % 3 > 0 {
          _ = await service.delete(SessionID(next + offset))
        }
        next += 50
      }
    }
    for page in [7, 100, 1024, 100_000] {
      let listed = try await service.all(.live, page: page).map(\.id.rawValue)
      #expect(Set(listed).count == listed.count, "none is listed twice")
      #expect(Set(listed).isSuperset(of: stable), "none is left out")
    }
    churn.cancel()
    await churn.value
  }

  @Test func `states are told apart`() async throws {
    let bed = try SessionBed()
    defer { bed.stop() }
    let service = bed.service
    _ = await service.add(
      [SessionBed.request(1, 1, .tcp), SessionBed.request(2, 2, .tcp), SessionBed.request(3, 3, .tcp)],
      replacing: false)
    await bed.send([
      SessionBed.packet(SessionBed.tuple(2, .tcp), at: SessionBed.start + 1, flags: [.fin, .ack]),
      SessionBed.packet(SessionBed.tuple(3, .tcp), at: SessionBed.start + 1, flags: .rst),
    ])
    var found: [[UInt64]] = []
    for filter in [SessionService.Filter.live, .established, .closing, .closed, .all] {
      found.append(try await service.all(filter, page: 1).map(\.id.rawValue).sorted())
    }
    #expect(found == [[1, 2], [1], [2], [3], [1, 2, 3]])
  }

  @Test func `a cursor that was never given out is known as such`() async throws {
    let bed = try SessionBed()
    defer { bed.stop() }
    let service = bed.service
    _ = await service.add((1...10).map { SessionBed.request($0, Int($0)) }, replacing: false)
    let next = try #require(try await service.list(.live, from: nil, limit: 3).next)
    #expect(try await service.list(.live, from: next, limit: 30).sessions.count == 7)
    await #expect(throws: SessionService.UnknownCursor.self) {
      try await service.list(.all, from: next, limit: 3)
    }
    var random = SystemRandomNumberGenerator()
    var accepted = 0
    for number in [0, 1, SessionID.cursorBit, UInt64.max, next ^ 1 << 62]
      + (0..<2000).map({ _ in random.next() | SessionID.cursorBit })
    {
      for filter in [SessionService.Filter.live, .closed, .all] {
        let page = try? await service.list(filter, from: number, limit: 5)
        if page != nil { accepted += 1 }
      }
    }
    // The checksum has fifteen bits; a number that passes it does no harm.
    #expect(accepted < 10)
  }

  @Test(arguments: [1, 2]) func `a list of a sparse table looks at few records at a time`(
    workers: Int
  ) async throws {
    let bed = try SessionBed(workers: workers, capacity: 60_000)
    defer { bed.stop() }
    _ = await bed.service.add((1...50_000).map { SessionBed.request($0, Int($0)) }, replacing: false)
    for id: UInt64 in 1...50_000 where id % 10_000 != 0 {
      if id % 500 == 1 {
        await withTaskGroup { tasks in
          for id in id..<id + 500 where id % 10_000 != 0 {
            tasks.addTask { _ = await bed.service.delete(SessionID(id)) }
          }
        }
      }
    }
    let before = bed.group.total(.commands)
    #expect(try await bed.service.list(.live, from: nil, limit: 10).sessions.count == 5)
    #expect(bed.group.total(.commands) - before >= 6, "8192 records a command")
  }
}
