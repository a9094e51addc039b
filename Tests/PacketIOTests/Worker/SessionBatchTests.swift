import Dataplane
import PacketIO
import Synchronization
import Testing

@Suite("Session batches")
struct SessionBatchTests {
  private func requests(_ count: Int, from first: UInt64 = 1) -> [SessionRequest] {
    (0..<count).map { index in
      let tuple = FiveTuple(
        source: IPAddress(ipv4: 0x0B00_0000 + UInt32(index)), sourcePort: 5, destination: Build.server,
        destinationPort: 6, transport: .udp)
      return SessionRequest(
        id: SessionID(first + UInt64(index)), tuple: tuple, action: .drop, cacheTimeout: 60)
    }
  }

  @Test func `add, find, list and delete by the thousand, and all ends are reported`() throws {
    let events = SessionEvents(capacity: 1 << 14)
    let setup = WorkerRun.setup()
    var worker = try Worker(setup, index: 0, events: events)
    let add = SessionBatch(.add(requests(6000), replacing: false))
    #expect(!add.isDone)
    worker.apply(add)
    #expect(add.isDone && add.outcomes.allSatisfy { $0.outcome == .added })
    #expect(add.outcomes.map(\.id.rawValue) == Array(1...6000))

    let find = SessionBatch(.find([SessionID(3), SessionID(9999), SessionID(6000)]))
    worker.apply(find)
    #expect(find.snapshots.map { $0?.id.rawValue } == [3, nil, 6000])

    var seen: Set<UInt64> = []
    var cursor: UInt32? = 0
    while let from = cursor {
      let list = SessionBatch(.list(cursor: from, limit: 700))
      worker.apply(list)
      #expect(list.snapshots.count <= 700)
      for case let session? in list.snapshots { seen.insert(session.id.rawValue) }
      cursor = list.nextCursor
    }
    #expect(seen == Set(1...6000))

    let delete = SessionBatch(.delete((1...7000).map { SessionID($0) }))
    worker.apply(delete)
    #expect(delete.snapshots.count == 7000 && delete.snapshots.prefix(6000).allSatisfy { $0 != nil })
    #expect(delete.snapshots.suffix(1000).allSatisfy { $0 == nil })
    #expect(WorkerRun.drain(events).count == 6000, "no end is lost")
    #expect(setup.counters[0][.sessionsDeleted] == 6000 && setup.counters[0][.liveSessions] == 0)
  }

  @Test func `batches are applied while the worker is held, and while it runs`() throws {
    let setup = WorkerRun.setup()
    let commands = CommandRing(isHolding: true)
    let gate = PacketGate()
    let thread = try WorkerThread(name: "test-held") {
      guard var worker = try? Worker(setup, index: 0, events: nil) else { return }
      var queue = GatedQueue(
        gate: gate,
        inner: MemoryQueue(
          [MemoryQueue.Packet](repeating: MemoryQueue.Packet(Build.udp(Build.tuple())), count: 3)))
      WorkerLoop(setup, commands: commands).run(&worker, &queue)
    }
    let request = SessionRequest(id: SessionID(1), tuple: Build.tuple(), action: .drop, cacheTimeout: 60)
    submit(.add([request], replacing: false), commands)
    #expect(!gate.wasAsked, "no packet is received while held")
    // Handed over before the release, so in force before the first packet.
    var change = request
    change.action = .forward
    let replaced = SessionBatch(.add([change], replacing: true))
    #expect(commands.submit(replaced))
    commands.release()
    while !gate.wasAsked { WaitingThread.yield() }
    #expect(replaced.isDone && replaced.outcomes.map(\.outcome) == [.replaced])
    let found = submit(.find([SessionID(1)]), commands)
    #expect(found.snapshots.first??.action == .forward && found.snapshots.first??.inPackets == 0)
    gate.open()
    thread.join()
    #expect(setup.counters[0][.forwarded] == 3 && setup.counters[0][.matched] == 3)
  }

  @discardableResult
  private func submit(_ operation: SessionBatch.Operation, _ commands: CommandRing) -> SessionBatch {
    let batch = SessionBatch(operation)
    #expect(commands.submit(batch))
    while !batch.isDone { WaitingThread.yield() }
    return batch
  }
}

private final class PacketGate: Sendable {
  private let asked = Atomic<Bool>(false)
  private let opened = Atomic<Bool>(false)
  var wasAsked: Bool { asked.load(ordering: .acquiring) }
  var isOpen: Bool { opened.load(ordering: .acquiring) }
  func ask() { asked.store(true, ordering: .releasing) }
  func open() { opened.store(true, ordering: .releasing) }
}

/// Idle until the gate opens.
private struct GatedQueue: PacketQueue, ~Copyable {
  let gate: PacketGate
  var inner: MemoryQueue
  mutating func receive(into burst: inout PacketBurst) -> ReceiveStatus {
    gate.ask()
    return gate.isOpen ? inner.receive(into: &burst) : .idle
  }
  mutating func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {
    inner.transmit(burst, &outcome)
  }
  mutating func finish() { inner.finish() }
}
