import Dataplane
import Testing

@Suite("Stream queue")
struct StreamQueueTests {
  private static let size = 64
  /// More than a port has buffers, and no whole number of bursts.
  private static let count = 1000
  /// Packet n's bytes are all n modulo 251.
  private let stream = (0..<count).flatMap { [UInt8](repeating: UInt8($0 % 251), count: size) }

  @Test(arguments: [false, true])
  func `each packet once, in order, and again after rewinding`(isCopying: Bool) throws {
    try stream.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress,
        var queue = StreamQueue(
          start, packetSize: Self.size, count: Self.count, lif: 7, time: .zero, isCopying: isCopying)
      else { throw WorkerError.outOfMemory }
      var outcome = try outcome()
      var burst = PacketBurst(limit: 48)
      var last = PacketTime.zero
      for _ in 0..<2 {
        var seen = 0
        while queue.receive(into: &burst) == .packets {
          for index in 0..<burst.count {
            let packet = burst.bytes(index)
            let isRight = (0..<Self.size).allSatisfy { packet.loadByte(at: $0) == UInt8(seen % 251) }
            #expect(isRight && packet.byteCount == Self.size)
            let (lif, sequence, time) = (burst.lif(index), burst.sequence(index), burst.time(index))
            #expect(lif == 7 && sequence == UInt64(seen) && time >= last)
            last = time
            seen += 1
          }
          queue.transmit(burst, &outcome)
          burst.removeAll()
        }
        #expect(seen == Self.count)
        queue.rewind()
      }
      #expect(last > .zero)
    }
  }

  @Test func `copied packets lie elsewhere, others where they were`() throws {
    try stream.withUnsafeBytes { bytes in
      for isCopying in [false, true] {
        guard let start = bytes.baseAddress,
          var queue = StreamQueue(
            start, packetSize: Self.size, count: 1, lif: 1, time: .zero, isCopying: isCopying)
        else { throw WorkerError.outOfMemory }
        var burst = PacketBurst()
        let status = queue.receive(into: &burst)
        #expect(status == .packets)
        let packet = burst.bytes(0).withUnsafeBytes { $0.baseAddress }
        #expect((packet == start) == !isCopying)
      }
    }
  }

  /// The worker takes such bursts in several passes, each of which it has transmitted.
  @Test func `bursts in which a fragment waits for a later one`() throws {
    let parts = [24, 0].map { offset in
      Packets.ethernet(
        0x0800,
        Packets.ipv4(
          17, offset == 0 ? Packets.udp([UInt8](repeating: 1, count: 16)) : [UInt8](repeating: 2, count: 24),
          moreFragments: offset == 0, fragmentOffset: offset))
        + [UInt8](repeating: 0, count: 6)
    }
    let other = Packets.ethernet(0x0800, Packets.ipv4(17, Packets.udp([UInt8](repeating: 3, count: 22))))
    let stream = parts[0] + parts[1] + (2..<8).flatMap { _ in other }
    var generator = SplitMix64(state: 1)
    let port = WorkerSetup.Port(
      lif: 1, peer: 1, miss: .learn, learnedAction: .forward, nonSession: .drop, mac: MACAddress(1))
    let setup = WorkerSetup(workers: 1, capacity: 10, ports: [port], waits: true, generator: &generator)
    var worker = try Worker(setup, index: 0, events: nil)
    try stream.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress,
        var queue = StreamQueue(
          start, packetSize: Self.size, count: 8, lif: 1, time: .zero, isCopying: true)
      else { throw WorkerError.outOfMemory }
      var burst = PacketBurst(limit: 8)
      // More packets than the port has buffers.
      for _ in 0..<64 {
        burst.removeAll()
        let status = queue.receive(into: &burst)
        #expect(status == .packets)
        worker.take(&burst, through: &queue)
        queue.rewind()
      }
    }
    #expect(worker.counters[.forwarded] == 64 * 8 && worker.counters[.fragmentsHeld] == 64)
  }

  private func outcome() throws -> BurstOutcome {
    guard let pool = PacketPool(capacity: 1, packetSize: 64) else { throw WorkerError.outOfMemory }
    return BurstOutcome(pool: pool)
  }
}
