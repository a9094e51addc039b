import Dataplane
import PacketIO
import Synchronization
import Testing

@Suite("Anything at all on routed ports, over minutes")
struct RoutedRandomTests {
  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func `every packet has a verdict, every buffer comes back, nobody is sent more than it should`(
    seed: UInt64
  ) throws {
    let copies: CopyEncapsulation =
      seed % 2 == 0 ? .ethernet : .gre(sourceIPv4: RoutedWorker.host(3, 1), sourceIPv6: nil)
    let router = try RoutedWorker(
      copies: copies, miss: seed % 3 == 0 ? .learn : .route, requests: RoutedTraffic.requests)
    var traffic = RoutedTraffic(seed: seed)
    var time = PacketTime.seconds(2)
    var received: UInt64 = 0
    for step in 0..<600 {
      let burst = (0..<traffic.below(100) + 1).map { _ in traffic.next() }
      router.take(burst, at: time)
      received += UInt64(burst.count)
      check(router.takeSent(), "step \(step), seed \(seed)")
      expectSums(router.counts, received: received)
      time = time.advanced(by: traffic.below(traffic.chance(10) ? 20_000_000_000 : 400_000_000))
      if traffic.chance(3) { router.pass(to: time) }
    }
    // Later fragments wait for a minute at most.
    for _ in 0..<80 {
      time = time.advanced(by: 1_100_000_000)
      router.pass(to: time)
    }
    #expect(router.usedBuffers == 0)
    let counts = router.counts
    counts.expectEquations()
    #expect(counts[.packets] == received)
    #expect(counts[.generated] < 4 * received)
    for reason in [
      DropReason.neighborUnresolved, .noRoute, .badNeighborMessage, .badIPv4Checksum, .noService,
      .packetTooBig,
    ] {
      #expect(counts[reason] > 0, "\(reason) occurs")
    }
    #expect(counts[.copiesMade] > counts[.copiesFailed] && counts[.copiesFailed] > 0)
    let fixed = router.neighbors.filter { $0.state == .fixed }
    #expect(fixed.map(\.mac) == [RoutedWorker.staticNeighbor.mac])
  }

  /// Frames are for one station, but for what asks or announces, and never for ourselves.
  private func check(_ sent: [RoutedWorker.Sent], _ comment: Comment) {
    for frame in sent {
      #expect(frame.destination != RoutedWorker.ours(frame.lif), comment)
      let isAsking = frame.isARPRequest || frame.etherType == 0x86DD && frame.bytes.count >= 78
      if frame.destination.isGroupAddress {
        #expect(frame.origin == .generated && isAsking, comment)
      }
      #expect(frame.bytes.count <= 1514, comment)
    }
  }

  private func expectSums(_ counts: Counts, received: UInt64) {
    #expect(counts[.packets] + counts[.held] == received)
    let verdicts: [Counter] = [.forwarded, .dropped, .mirrored, .snooped, .punted, .consumed]
    #expect(verdicts.reduce(0) { $0 + counts[$1] } == counts[.packets])
    #expect(counts[.dropped] == counts.drops.reduce(0, +))
    #expect(
      counts[.transmitted] == counts[.forwarded] + counts[.mirrored] + counts[.snooped] + counts[.punted]
        + counts[.generated] + counts[.copiesMade] - counts[.copiesFailed])
  }

  @Test(arguments: 11...13 as ClosedRange<UInt64>)
  func `two workers agree on the sums and give all buffers back`(seed: UInt64) throws {
    let setup = RoutedWorker.setup(workers: 2, copies: .ethernet, miss: .route)
    var queues: [[MemoryQueue.Packet]] = [[], []]
    for worker in 0..<2 {
      var traffic = RoutedTraffic(seed: seed * 2 + UInt64(worker))
      var time = PacketTime.seconds(2)
      for _ in 0..<8000 {
        let (port, bytes) = traffic.next()
        queues[worker].append(MemoryQueue.Packet(bytes, time: time, lif: UInt16(port) + 1, port: port))
        time = time.advanced(by: traffic.below(20_000_000))
      }
      // Nothing that matters, until all that waits has been given up.
      let idle = LinkFrame.arp(
        2, RoutedWorker.host(1, 200), RoutedWorker.mac(1, 200), asks: RoutedWorker.host(1, 201))
      for _ in 0..<3000 {
        queues[worker].append(MemoryQueue.Packet(idle, time: time))
        time = time.advanced(by: 30_000_000)
      }
    }
    let packets = queues
    let rings = (0..<2).map { _ in CommandRing(isHolding: true) }
    let used = Used()
    let threads = try (0..<2).map { index in
      try WorkerThread(name: "test-\(index)") {
        guard var worker = try? Worker(setup, index: index, events: nil) else { return }
        var queue = MemoryQueue(packets[index])
        WorkerLoop(setup, commands: rings[index]).run(&worker, &queue)
        var burst = PacketBurst()
        for second in 1...70 {
          worker.passTime(to: .seconds(1000 + Double(second) * 1.1), &burst, through: &queue)
        }
        used.add(worker.buffers.all - worker.buffers.free)
      }
    }
    let shares = Dictionary(grouping: RoutedTraffic.requests) { setup.owner(of: $0.tuple) }
    let batches = shares.map { ($0.key, SessionBatch(.add($0.value, replacing: false))) }
    for (owner, batch) in batches { #expect(rings[owner].submit(batch)) }
    for ring in rings { ring.release() }
    for thread in threads { thread.join() }
    #expect(used.value == 0)
    let counts = Counts(setup.counters)
    counts.expectEquations()
    #expect(counts[.packets] == 22_000)
    #expect(counts[.handedOff] > 1000 && counts[.copiesMade] > counts[.copiesFailed])
  }
}

/// Buffers in use at the end, over all workers.
private final class Used: Sendable {
  private let count = Atomic<Int>(0)
  func add(_ number: Int) { count.add(number, ordering: .relaxed) }
  var value: Int { count.load(ordering: .relaxed) }
}
