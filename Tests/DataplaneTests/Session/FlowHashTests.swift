import Dataplane
import Testing

/// Structured tuples, as networks have them, must spread like random ones over all that the hash gives.
@Suite("Flow hash")
struct FlowHashTests {
  private static let secret = FlowSecret(0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210, 0x5555, 0x9876)

  /// 65 536 tuples: sequential client addresses and ports to one server.
  private static func structured4() -> [FlowKey] {
    (0..<65_536).map { number in
      FlowKey(
        source: 0x0A00_0000 + UInt32(number >> 8), sourcePort: UInt16(1024 + number & 255),
        destination: 0xC0A8_0001, destinationPort: 80, kind: .tcp4, secret: secret)
    }
  }

  private static func structured6() -> [FlowKey] {
    (0..<65_536).map { number in
      var addresses = FlowAddresses6()
      return FlowKey(
        source: IPAddress(ipv6High: 0x2001_0DB8_0000_0000, low: UInt64(number)), sourcePort: 5000,
        destination: IPAddress(ipv6High: 0x2001_0DB8_0000_0000, low: 0xFFFF_0000), destinationPort: 53,
        kind: .udp6, secret: secret, addresses6: &addresses)
    }
  }

  /// Chi-square over `bins`, as standard deviations from its mean: within ±6 for a fair spread.
  private static func deviation(_ keys: [FlowKey], bins: Int, _ bin: (FlowHash) -> Int) -> Double {
    var counts = [Int](repeating: 0, count: bins)
    for key in keys { counts[bin(key.hash)] += 1 }
    let expected = Double(keys.count) / Double(bins)
    let sum = counts.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    let freedom = Double(bins - 1)
    return (sum - freedom) / (2 * freedom).squareRoot()
  }

  @Test func `buckets are loaded evenly by sequential addresses and ports`() {
    for keys in [Self.structured4(), Self.structured6()] {
      for bins in [2, 37, 1000, 4096, 9363] {
        let deviation = Self.deviation(keys, bins: bins) { Int($0.bucket(of: UInt32(bins))) }
        #expect(abs(deviation) < 6, "\(bins) buckets: \(deviation)")
      }
    }
  }

  @Test func `tags are spread evenly and never 0`() {
    for keys in [Self.structured4(), Self.structured6()] {
      #expect(abs(Self.deviation(keys, bins: 256) { Int($0.tag >> 1 & 255) }) < 6)
      #expect(abs(Self.deviation(keys, bins: 256) { Int($0.tag >> 8) }) < 6)
      #expect(!keys.contains { $0.hash.tag == 0 })
    }
  }

  @Test(arguments: [1, 2, 3, 4, 8]) func `workers get equal shares`(_ workers: Int) {
    for keys in [Self.structured4(), Self.structured6()] {
      #expect(keys.allSatisfy { $0.hash.worker(of: UInt32(workers)) < workers })
      guard workers > 1 else { continue }
      #expect(abs(Self.deviation(keys, bins: workers) { Int($0.worker(of: UInt32(workers))) }) < 6)
    }
  }

  @Test func `the share of one worker still fills all buckets and tags evenly`() {
    let share = Self.structured4().filter { $0.hash.worker(of: 4) == 2 }
    #expect(abs(Self.deviation(share, bins: 1000) { Int($0.bucket(of: 1000)) }) < 6)
    #expect(abs(Self.deviation(share, bins: 256) { Int($0.tag >> 1 & 255) }) < 6)
  }

  @Test func `another secret gives another placement`() {
    let other = FlowSecret(1, 2, 3, 4)
    let moved = Self.structured4().filter {
      other.hash(addresses: $0.addresses, ports: $0.ports, kind: $0.kind).bucket(of: 1000)
        != $0.hash.bucket(of: 1000)
    }
    #expect(moved.count > 65_000)
  }

  private static func isSame(_ left: FlowKey, _ right: FlowKey) -> Bool {
    left.hash == right.hash && left.addresses == right.addresses && left.ports == right.ports
  }

  @Test func `both directions of a tuple have one key and opposite sides`() {
    var random = SplitMix64(state: 1)
    for _ in 0..<100_000 {
      // Few distinct values, so that addresses or ports are often equal.
      let (a, b) = (UInt32(random.below(4)), UInt32(random.below(4)) << 30)
      let (p, q) = (UInt16(random.below(3)), UInt16(random.below(3)))
      guard a != b || p != q else { continue }
      let there = FlowKey(
        source: a, sourcePort: p, destination: b, destinationPort: q, kind: .udp4, secret: Self.secret)
      let back = FlowKey(
        source: b, sourcePort: q, destination: a, destinationPort: p, kind: .udp4, secret: Self.secret)
      #expect(Self.isSame(there, back) && there.side != back.side)
    }
  }

  @Test func `both directions of an IPv6 tuple have one key and opposite sides`() {
    var random = SplitMix64(state: 2)
    for _ in 0..<100_000 {
      let a = IPAddress(ipv6High: UInt64(random.below(3)), low: UInt64(random.below(3)) << 62)
      let b = IPAddress(ipv6High: UInt64(random.below(3)), low: UInt64(random.below(3)) << 62)
      let (p, q) = (UInt16(random.below(3)), UInt16(random.below(3)))
      guard a != b || p != q else { continue }
      var (first, second) = (FlowAddresses6(), FlowAddresses6())
      let there = FlowKey(
        source: a, sourcePort: p, destination: b, destinationPort: q, kind: .tcp6, secret: Self.secret,
        addresses6: &first)
      let back = FlowKey(
        source: b, sourcePort: q, destination: a, destinationPort: p, kind: .tcp6, secret: Self.secret,
        addresses6: &second)
      #expect(Self.isSame(there, back) && there.side != back.side && first == second)
    }
  }
}
