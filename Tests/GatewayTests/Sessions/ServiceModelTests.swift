import Dataplane
import Gateway
import Synchronization
import Testing

@Suite("The session service against a model", .serialized)
struct ServiceModelTests {
  @Test(arguments: [1, 2, 4]) func `any sequence of operations does what a dictionary would`(
    workers: Int
  ) async throws {
    for (seed, capacity) in [(1, 1000), (2, 20), (3, 6)] {
      let model = try ServiceModel(workers: workers, capacity: capacity, seed: UInt64(seed * workers))
      for step in 0..<400 where model.problems.isEmpty {
        try await model.operate()
        if !model.problems.isEmpty { Issue.record("seed \(seed), step \(step): \(model.problems)") }
      }
      try await model.finish()
      #expect(model.problems == [])
      model.stop()
    }
  }

  @Test(arguments: [1, 2]) func `adders and deleters at once, under traffic, leave exact equations`(
    workers: Int
  ) async throws {
    let bed = try SessionBed(workers: workers, capacity: 3000, retention: 1_000_000)
    let service = bed.service
    let counts = Counts()
    let packets = (0..<2000).map { number in
      SessionBed.packet(
        SessionBed.tuple(number, .tcp), at: SessionBed.start + 1, flags: number % 7 == 0 ? .rst : .ack)
    }
    await withTaskGroup { tasks in
      for task in 0..<4 {
        tasks.addTask {
          for round in 0..<60 {
            // Ids and tuples that the others use too.
            let requests = (0..<64).map { offset -> SessionRequest in
              let number = (round * 64 + offset * (task + 1)) % 2000
              return SessionBed.request(UInt64(number + 1), number, .tcp)
            }
            let reply = await service.add(requests, replacing: task == 0)
            _ = counts.added.add(reply.outcomes.count { $0.outcome == .added }, ordering: .relaxed)
          }
        }
        tasks.addTask {
          for round in 0..<400 {
            let id = UInt64((round * 37 + task * 501) % 2000 + 1)
            if let last = await service.delete(SessionID(id)), last.closeCode == .notClosed {
              _ = counts.deleted.add(1, ordering: .relaxed)
            }
          }
        }
      }
      tasks.addTask { for _ in 0..<20 { await bed.send(packets) } }
      tasks.addTask { for _ in 0..<10 { _ = try? await service.all(.all, page: 100) } }
    }
    #expect(bed.group.total(.sessionsOpened) == UInt64(counts.added.load(ordering: .relaxed)))
    #expect(bed.group.total(.sessionsDeleted) == UInt64(counts.deleted.load(ordering: .relaxed)))
    let ended: [Counter] = [.closedFINACK, .closedRST, .closedTimeout, .sessionsDeleted]
    let sum = ended.reduce(0) { $0 + bed.group.total($1) }
    #expect(bed.group.total(.sessionsOpened) == bed.group.total(.liveSessions) + sum)
    let live = try await service.all(.live)
    #expect(UInt64(live.count) == bed.group.total(.liveSessions))
    #expect(Set(live.map(\.id)).count == live.count && Set(live.map(\.tuple)).count == live.count)
    #expect(bed.group.setup.capacity.count == live.count)
    #expect(bed.group.total(.reportsLost) == 0 && service.closedStatus.lost == 0)
    bed.stop()
  }
}

private final class Counts: Sendable {
  let added = Atomic<Int>(0)
  let deleted = Atomic<Int>(0)
}
