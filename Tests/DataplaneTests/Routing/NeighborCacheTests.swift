import Dataplane
import Testing

@Suite("Neighbours")
struct NeighborCacheTests {
  private let address = IPAddress(ipv4: 0x0A00_0002)
  private let mac = MACAddress(0x0200_0000_0002)
  private func at(_ seconds: Double) -> PacketTime { PacketTime(nanoseconds: UInt64(seconds * 1e9)) }

  @Test func `one that never answers is asked three times, a second apart, then given up`() throws {
    let cache = Neighbors(capacity: 8)
    let place = try #require(cache.begin(address, lif: 1, now: at(0)))
    #expect(cache.use(place) == nil)
    for second in 0..<3 {
      #expect(cache.events(at(Double(second))) == [.request(place, isDirect: false)])
      #expect(cache.events(at(Double(second) + 0.9)).isEmpty)
    }
    #expect(cache.events(at(3)) == [.failed(place)])
    cache.remove(place)
    #expect(cache.find(address, lif: 1) == UInt32.max)
  }

  @Test func `one that is used is asked again before it is forgotten`() throws {
    let cache = Neighbors(capacity: 8)
    let place = try #require(cache.learn(address, lif: 1, mac: mac, creates: true, now: at(0)))
    #expect(cache.use(place) == mac)
    #expect(cache.events(at(29)).isEmpty)
    #expect(cache.events(at(30)) == [.request(place, isDirect: true)])
    #expect(cache.use(place) == mac)
    _ = cache.learn(address, lif: 1, mac: mac, creates: false, now: at(30.5))
    #expect(cache.state(place) == .reachable)
    // Not used since: forgotten without a word.
    #expect(cache.events(at(61)).isEmpty)
    #expect(cache.find(address, lif: 1) == UInt32.max)
  }

  @Test func `nobody is put in for announcing itself`() {
    let cache = Neighbors(capacity: 8)
    #expect(cache.learn(address, lif: 1, mac: mac, creates: false, now: at(0)) == nil)
    #expect(cache.find(address, lif: 1) == UInt32.max)
  }

  @Test func `a configured one neither ages nor changes`() throws {
    let cache = Neighbors(capacity: 8)
    cache.fix(Neighbor(address: address, mac: mac, lif: LIF(number: 1)))
    let place = cache.find(address, lif: 1)
    #expect(cache.learn(address, lif: 1, mac: MACAddress(9), creates: true, now: at(0)) == nil)
    #expect(cache.events(at(100_000)).isEmpty)
    #expect(cache.use(place) == mac)
  }

  @Test func `a bounded number of packets waits, in order`() throws {
    let cache = Neighbors(capacity: 64)
    let place = try #require(cache.begin(address, lif: 1, now: at(0)))
    let most = UInt32(NeighborCache.heldPerNeighbor)
    for number in 0..<most { #expect(cache.hold(number, for: place) == nil) }
    #expect(cache.hold(most, for: place) == 0 && cache.hold(most + 1, for: place) == 1)
    for number in 2..<most + 2 { #expect(cache.takeHeld(place) == number) }
    #expect(cache.takeHeld(place) == nil && cache.heldCount == 0)
  }

  @Test func `where all places are taken, one after another neighbour gives one up`() throws {
    let cache = Neighbors(capacity: 1024)
    for other in 0..<UInt32(NeighborCache.heldLimit) {
      let place = try #require(cache.begin(IPAddress(ipv4: other), lif: 2, now: at(0)))
      #expect(cache.hold(other, for: place) == nil)
    }
    let place = try #require(cache.begin(address, lif: 1, now: at(0)))
    var displaced: Set<UInt32> = []
    for number in 1000..<1000 + UInt32(NeighborCache.heldPerNeighbor) {
      displaced.insert(try #require(cache.hold(number, for: place)))
      #expect(cache.heldCount == NeighborCache.heldLimit)
    }
    #expect(displaced.count == Int(NeighborCache.heldPerNeighbor) && displaced.allSatisfy { $0 < 1000 })
    for number in 1000..<1000 + UInt32(NeighborCache.heldPerNeighbor) {
      #expect(cache.takeHeld(place) == number)
    }
  }

  @Test func `who only tells of itself is asked soon, and is not taken for one that hears us`() throws {
    let cache = Neighbors(capacity: 8)
    let place = try #require(
      cache.learn(address, lif: 1, mac: mac, creates: true, confirms: false, now: at(0)))
    #expect(cache.use(place) == mac)
    #expect(cache.events(at(5)) == [.request(place, isDirect: true)])
    // Neither before it was asked nor since does it count as an answer.
    _ = cache.learn(address, lif: 1, mac: mac, creates: false, confirms: false, now: at(5.5))
    #expect(cache.state(place) == .probing)
    _ = cache.learn(address, lif: 1, mac: mac, creates: false, now: at(5.6))
    #expect(cache.state(place) == .reachable)
    _ = cache.use(place)
    _ = cache.learn(address, lif: 1, mac: mac, creates: false, confirms: false, now: at(34))
    #expect(cache.events(at(35.7)) == [.request(place, isDirect: true)])
  }

  @Test func `a full table gives up unused ones first, and never those that packets wait for`() throws {
    let cache = Neighbors(capacity: 4)
    for number in 1...UInt32(3) {
      let place = try #require(
        cache.learn(IPAddress(ipv4: number), lif: 1, mac: mac, creates: true, now: at(0)))
      if number != 2 { _ = cache.use(place) }
    }
    for number in 4...UInt32(7) {
      let place = try #require(cache.begin(IPAddress(ipv4: number), lif: 1, now: at(0)))
      #expect(cache.hold(number, for: place) == nil)
      if number == 5 { #expect(cache.find(IPAddress(ipv4: 2), lif: 1) == UInt32.max) }
    }
    #expect(cache.begin(IPAddress(ipv4: 8), lif: 1, now: at(0)) == nil)
    for number in 4...UInt32(7) { #expect(cache.find(IPAddress(ipv4: number), lif: 1) != UInt32.max) }
  }

  @Test func `one that is asked for while nothing waits makes room, until it is given up`() throws {
    let cache = Neighbors(capacity: 1)
    let first = try #require(cache.begin(address, lif: 1, now: at(0)))
    let place = try #require(cache.begin(IPAddress(ipv4: 3), lif: 1, now: at(0)))
    #expect(place == first && cache.find(address, lif: 1) == UInt32.max)
    for second in 0..<3 { #expect(cache.events(at(Double(second))).count == 1) }
    #expect(cache.begin(address, lif: 1, now: at(2.5)) == nil)
    #expect(cache.events(at(3)) == [.failed(place)])
  }

  @Test func `what waits for a neighbour that is configured no more is not lost`() throws {
    let cache = Neighbors(capacity: 8)
    let place = try #require(cache.begin(address, lif: 1, now: at(0)))
    #expect(cache.hold(1, for: place) == nil)
    cache.fix(Neighbor(address: address, mac: mac, lif: LIF(number: 1)))
    cache.removeFixed()
    #expect(cache.state(place) == .incomplete && cache.use(place) == nil)
    for second in 0..<3 { #expect(cache.events(at(Double(second))) == [.request(place, isDirect: false)]) }
    #expect(cache.events(at(3)) == [.failed(place)])
    #expect(cache.takeHeld(place) == 1)
  }

  @Test func `when a link comes back nothing is known of hosts there but what is configured`() throws {
    let cache = Neighbors(capacity: 8)
    let fixed = IPAddress(ipv4: 9)
    cache.fix(Neighbor(address: fixed, mac: mac, lif: LIF(number: 1)))
    _ = cache.learn(address, lif: 1, mac: mac, creates: true, now: at(0))
    _ = cache.learn(address, lif: 2, mac: mac, creates: true, now: at(0))
    let waits = try #require(cache.begin(IPAddress(ipv4: 3), lif: 1, now: at(0)))
    #expect(cache.hold(7, for: waits) == nil)
    cache.forget(lif: 1)
    #expect(cache.find(address, lif: 1) == UInt32.max && cache.find(address, lif: 2) != UInt32.max)
    #expect(cache.find(fixed, lif: 1) != UInt32.max && cache.takeHeld(waits) == 7)
  }

  @Test func `who is asked for when a link comes back is asked anew`() throws {
    let cache = Neighbors(capacity: 8)
    let waits = try #require(cache.begin(IPAddress(ipv4: 3), lif: 1, now: at(0)))
    for second in 0..<2 { #expect(cache.events(at(Double(second))) == [.request(waits, isDirect: false)]) }
    cache.forget(lif: 1)
    // At once, and all three times.
    for second in 0..<3 {
      #expect(cache.events(at(1.5 + Double(second))) == [.request(waits, isDirect: false)])
    }
    // Whoever is given up is not asked again.
    cache.forget(lif: 1)
    #expect(cache.events(at(4.5)) == [.failed(waits)])
  }

  @Test func `errors are limited to a burst and then a rate`() {
    var limit = ErrorLimit()
    var sent = 0
    for _ in 0..<1000 { sent += limit.takes(at(5)) ? 1 : 0 }
    #expect(sent == Int(ErrorLimit.burst))
    sent = 0
    for millisecond in 1...1000 { sent += limit.takes(at(5 + Double(millisecond) / 1000)) ? 1 : 0 }
    #expect((99...101).contains(sent))
  }
}

/// The cache behind a reference: what cannot be copied does not pass through `#expect`. Packets that wait are
/// told
/// apart by their length.
private final class Neighbors {
  private var cache: NeighborCache

  init(capacity: Int) { cache = NeighborCache(capacity: capacity, secret: FlowSecret(1, 2, 3, 4)) }

  var heldCount: Int { cache.heldCount }

  func state(_ place: UInt32) -> NeighborCache.State { cache[place].state }
  func find(_ address: IPAddress, lif: UInt16) -> UInt32 { cache.find(address, lif: lif) }
  func use(_ place: UInt32) -> MACAddress? { cache.use(place) }
  func fix(_ neighbor: Neighbor) { cache.fix(neighbor, now: .zero) }
  func forget(lif: UInt16) { cache.forget(lif: lif) }
  func remove(_ place: UInt32) { cache.remove(place) }
  func removeFixed() { cache.removeFixed() }
  func takeHeld(_ place: UInt32) -> UInt32? { cache.takeHeld(place)?.bytes }

  func begin(_ address: IPAddress, lif: UInt16, now: PacketTime) -> UInt32? {
    cache.begin(address, lif: lif, now: now)
  }

  func learn(
    _ address: IPAddress, lif: UInt16, mac: MACAddress, creates: Bool, confirms: Bool = true, now: PacketTime
  ) -> UInt32? {
    cache.learn(address, lif: lif, mac: mac, creates: creates, confirms: confirms, now: now)
  }

  /// - Returns: which one no longer waits.
  func hold(_ length: UInt32, for place: UInt32) -> UInt32? {
    cache.hold(HeldPacket(.none, .released, kind: .forward, bytes: length), for: place)?.bytes
  }

  func events(_ now: PacketTime) -> [NeighborCache.Event] {
    var position: UInt32 = 0
    var found: [NeighborCache.Event] = []
    while let event = cache.next(&position, now: now) { found.append(event) }
    return found
  }
}
