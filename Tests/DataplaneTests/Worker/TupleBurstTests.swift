import Dataplane
import Testing

@Suite("Tuple bursts")
struct TupleBurstTests {
  private static let time = PacketTime(nanoseconds: 1_000_000_000)
  private static let flows = 1000

  /// Random TCP tuples as they lie in headers.
  private func tuples(_ count: Int, isIPv6: Bool, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(state: seed)
    let (size, addresses) = isIPv6 ? (40, 32) : (16, 8)
    return (0..<count).flatMap { _ in
      (0..<size).map { byte in
        byte < addresses + 4 ? UInt8(truncatingIfNeeded: random.next()) : byte == addresses + 4 ? 6 : 0
      }
    }
  }

  private func table(_ secret: FlowSecret? = nil) throws -> SessionTable {
    var random = SplitMix64(state: 3)
    return try required(
      SessionTable(
        recordCount: UInt32(Self.flows), worker: 0, capacity: SessionCapacity(limit: Self.flows),
        secret: secret ?? FlowSecret(using: &random), timeouts: Timeouts(), isReporting: false,
        at: Self.time))
  }

  private func policy(_ table: inout SessionTable) throws -> UInt32 {
    try required(
      table.policies.acquire(
        SessionPolicy(
          inLIF: .any, outLIF: .any, action: .forward, nextHop: nil, idle: 60, handshake: 60,
          timeouts: Timeouts())))
  }

  @Test(arguments: [false, true])
  func `every tuple opens a session, and each of its lookups is counted there`(isIPv6: Bool) throws {
    var table = try table()
    var burst = TupleBurst()
    let index = try policy(&table)
    let known = tuples(Self.flows, isIPv6: isIPv6, seed: 1)
    let unknown = tuples(Self.flows, isIPv6: isIPv6, seed: 2)
    known.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      burst.learn(start, count: Self.flows, isIPv6: isIPv6, at: Self.time, policy: index, in: &table)
    }
    let live = table.live
    #expect(live == Self.flows)
    for round in 1...3 {
      #expect(forward(known, isIPv6, &burst, &table) == Self.flows)
      #expect(forward(unknown, isIPv6, &burst, &table) == 0)
      var sessions: [SessionSnapshot] = []
      _ = table.forEach(from: 0, of: .all) { session in
        sessions.append(session)
        return true
      }
      #expect(sessions.count == Self.flows)
      let isCounted = sessions.allSatisfy {
        $0.inPackets == UInt64(round) && $0.inBytes == UInt64(64 * round) && $0.outPackets == 0
          && $0.tuple.transport == .tcp
      }
      #expect(isCounted)
    }
  }

  @Test func `IPv6 addresses are compared, not their digest alone`() throws {
    // With this secret the digest of an address pair does not depend on the upper half of the low one.
    let zero: UInt8 = 3
    var table = try table(FlowSecret(1, 2, UInt64(zero), 5))
    func tuple(_ network: UInt8) -> [UInt8] {
      let low = [network] + [UInt8](repeating: 0, count: 14) + [zero]
      let high = [UInt8](repeating: 0xFF, count: 16)
      return low + high + [0, 80, 0, 80, 6, 0, 0, 0]
    }
    var burst = TupleBurst()
    let index = try policy(&table)
    tuple(1).withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      burst.learn(start, count: 1, isIPv6: true, at: Self.time, policy: index, in: &table)
    }
    #expect(forward(tuple(1), count: 1, true, &burst, &table) == 1)
    #expect(forward(tuple(2), count: 1, true, &burst, &table) == 0)
  }

  @Test(arguments: [false, true])
  func `a packet count goes on above 32 bits`(isIPv6: Bool) throws {
    var table = try table()
    var burst = TupleBurst()
    let index = try policy(&table)
    let tuple = tuples(1, isIPv6: isIPv6, seed: 9)
    tuple.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      burst.learn(start, count: 1, isIPv6: isIPv6, at: Self.time, policy: index, in: &table)
    }
    let record = isIPv6 ? UInt32(Self.flows - 1) : 0
    // The first acknowledgement of a side goes the long way, those after it the fast one.
    #expect(forward(tuple, count: 1, isIPv6, &burst, &table) == 1)
    table.flows.memory[record].low.packets = .max
    table.flows.memory[record].high.packets = .max
    for count in 1...3 {
      #expect(forward(tuple, count: 1, isIPv6, &burst, &table) == 1)
      var packets: [UInt64] = []
      _ = table.forEach(from: 0, of: .all) { session in
        packets = [session.inPackets, session.outPackets]
        return true
      }
      #expect(packets == [UInt64(UInt32.max) + UInt64(count), UInt64(UInt32.max)])
    }
  }

  private func forward(
    _ tuples: [UInt8], count: Int = flows, _ isIPv6: Bool, _ burst: inout TupleBurst,
    _ table: inout SessionTable
  ) -> Int {
    tuples.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return -1 }
      return burst.forward(start, count: count, isIPv6: isIPv6, at: Self.time, through: &table)
    }
  }
}
