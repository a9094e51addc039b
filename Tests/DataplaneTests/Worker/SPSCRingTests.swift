import Dataplane
import Glibc
import Synchronization
import Testing

@Suite("Ring between two threads")
struct SPSCRingTests {
  @Test func `capacities are powers of two`() {
    let capacities = [(0, 2), (1, 2), (2, 2), (3, 4), (5, 8), (4096, 4096), (4097, 8192)]
    for (asked, given) in capacities { #expect(SPSCRing<Int>(capacity: asked).capacity == given) }
  }

  @Test func `empty, full, and around the edge many times`() {
    let ring = SPSCRing<Int>(capacity: 4)
    #expect(ring.pop() == nil && ring.count == 0)
    for round in 0..<50 {
      for entry in 0..<4 { #expect(ring.push(round * 4 + entry)) }
      #expect(!ring.push(-1) && ring.count == 4)
      #expect((0..<4).map { ring[$0] } == (0..<4).map { round * 4 + $0 })
      #expect(ring.pop() == round * 4 && ring.push(-7))
      ring.release(2)
      #expect(ring.count == 2 && ring[0] == round * 4 + 3)
      #expect(ring.pop() == round * 4 + 3 && ring.pop() == -7 && ring.pop() == nil)
    }
  }

  @Test func `a mark is done when what was pushed before it is released, not merely read`() {
    let ring = SPSCRing<Int>(capacity: 8)
    #expect(ring.isReleased(upTo: ring.pushed))
    for entry in 0..<5 { _ = ring.push(entry) }
    let mark = ring.pushed
    _ = ring.push(9)
    _ = ring[4]
    #expect(!ring.isReleased(upTo: mark))
    ring.release(4)
    #expect(!ring.isReleased(upTo: mark))
    ring.release(1)
    #expect(ring.isReleased(upTo: mark) && !ring.isReleased(upTo: ring.pushed))
  }

  @Test func `finished is closed and empty`() {
    let ring = SPSCRing<Int>(capacity: 2)
    #expect(!ring.isFinished)
    _ = ring.push(1)
    ring.close()
    #expect(!ring.isFinished && ring.pop() == 1 && ring.isFinished)
  }

  @Test func `a million entries arrive in order, each once`() throws {
    let ring = SPSCRing<Int>(capacity: 64)
    let total = 1_000_000
    let pusher = try WorkerThread(name: "test-push") {
      for entry in 0..<total { while !ring.push(entry) { sched_yield() } }
      ring.close()
    }
    var next = 0
    var isInOrder = true
    while !ring.isFinished {
      let count = min(ring.count, 17)
      for offset in 0..<count where ring[offset] != next + offset { isInOrder = false }
      ring.release(count)
      next += count
      if count == 0 { sched_yield() }
    }
    pusher.join()
    #expect(isInOrder && next == total && ring.isReleased(upTo: total))
  }

  @Test func `marks of a mesh cover the rings to all others`() {
    let mesh = HandoffMesh(workers: 3, waits: true)
    #expect(mesh.isDone(mesh.mark(from: 0), from: 0))
    mesh.close(from: 1, at: PacketTime(nanoseconds: 7))
    mesh.close(from: 2, at: PacketTime(nanoseconds: 5))
    #expect(mesh.lastTime.nanoseconds == 7)
    #expect(mesh.isFinished(for: 0) && !mesh.isFinished(for: 1))
    mesh.close(from: 0, at: PacketTime(nanoseconds: 6))
    #expect(mesh.isFinished(for: 1) && mesh.isFinished(for: 2) && mesh.lastTime.nanoseconds == 7)
  }
}

@Suite("Counter page")
struct CounterPageTests {
  @Test func `counters and reasons are apart, start at zero, and wrap`() {
    let page = CounterPage()
    #expect(Counter.allCases.allSatisfy { page[$0] == 0 } && DropReason.allCases.allSatisfy { page[$0] == 0 })
    for counter in Counter.allCases { page.add(counter, UInt64(counter.rawValue) + 1) }
    for reason in DropReason.allCases { page.add(reason, 1000 + UInt64(reason.rawValue), port: 0) }
    #expect(Counter.allCases.allSatisfy { page[$0] == UInt64($0.rawValue) + 1 })
    #expect(DropReason.allCases.allSatisfy { page[$0] == 1000 + UInt64($0.rawValue) })
    page.set(.liveSessions, to: .max)
    page.add(.liveSessions, 2)
    #expect(page[.liveSessions] == 1)
  }

  @Test func `another thread sees whole, rising values`() throws {
    let page = CounterPage()
    let step: UInt64 = 0x1_0000_0001
    let writer = try WorkerThread(name: "test-count") { for _ in 0..<300_000 { page.add(.packets, step) } }
    var last: UInt64 = 0
    var isGood = true
    while last < 300_000 * step {
      let value = page[.packets]
      if value < last || value % step != 0 { isGood = false }
      last = value
    }
    writer.join()
    #expect(isGood)
  }
}
