import Dataplane
import Testing

@Suite("Neighbours")
struct NeighborCacheTests {
  private let address = IPAddress(ipv4: 0x0A00_0002)
  private let mac = MACAddress(0x0200_0000_0002)
  private func at(_ seconds: Double) -> PacketTime { PacketTime(nanoseconds: UInt64(seconds * 1e9)) }

  private func events(_ cache: inout NeighborCache, _ now: PacketTime) -> [NeighborCache.Event] {
    var position: UInt32 = 0
    var found: [NeighborCache.Event] = []
    while let event = cache.next(&position, now: now) { found.append(event) }
    return found
  }

  @Test func `one that never answers is asked three times, a second apart, then given up`() throws {
    var cache = NeighborCache(capacity: 8)
    let place = try #require(cache.begin(address, lif: 1, now: at(0)))
    #expect(cache.use(place) == nil)
    for second in 0..<3 {
      #expect(events(&cache, at(Double(second))) == [.request(place, isDirect: false)])
      #expect(events(&cache, at(Double(second) + 0.9)).isEmpty)
    }
    #expect(events(&cache, at(3)) == [.failed(place)])
    cache.remove(place)
    #expect(cache.find(address, lif: 1) == UInt32.max)
  }

  @Test func `one that is used is asked again before it is forgotten`() throws {
    var cache = NeighborCache(capacity: 8)
    let place = try #require(cache.learn(address, lif: 1, mac: mac, creates: true, now: at(0)))
    #expect(cache.use(place) == mac)
    #expect(events(&cache, at(29)).isEmpty)
    #expect(events(&cache, at(30)) == [.request(place, isDirect: true)])
    #expect(cache.use(place) == mac)
    _ = cache.learn(address, lif: 1, mac: mac, creates: false, now: at(30.5))
    #expect(cache[place].state == .reachable)
    // Not used since: forgotten without a word.
    #expect(events(&cache, at(61)).isEmpty)
    #expect(cache.find(address, lif: 1) == UInt32.max)
  }

  @Test func `nobody is put in for announcing itself`() {
    var cache = NeighborCache(capacity: 8)
    #expect(cache.learn(address, lif: 1, mac: mac, creates: false, now: at(0)) == nil)
    #expect(cache.used == 0)
  }

  @Test func `a configured one neither ages nor changes`() throws {
    var cache = NeighborCache(capacity: 8)
    cache.fix(Neighbor(address: address, mac: mac, lif: LIF(number: 1)))
    let place = cache.find(address, lif: 1)
    #expect(cache.learn(address, lif: 1, mac: MACAddress(9), creates: true, now: at(0)) == nil)
    #expect(events(&cache, at(100_000)).isEmpty)
    #expect(cache.use(place) == mac)
  }

  @Test func `a bounded number of packets waits, in order`() throws {
    var cache = NeighborCache(capacity: 64)
    let place = try #require(cache.begin(address, lif: 1, now: at(0)))
    for number in 0..<UInt32(NeighborCache.heldPerNeighbor) {
      let buffer = PacketBuffer(index: number, offset: 0, length: 1)
      #expect(cache.hold(HeldPacket(buffer: buffer, kind: .forward), for: place))
    }
    #expect(!cache.hold(HeldPacket(buffer: .none, kind: .forward), for: place))
    var total = cache.heldCount
    for other in 1..<UInt32(64) {
      guard let next = cache.begin(IPAddress(ipv4: other), lif: 2, now: at(0)) else { break }
      while cache.hold(HeldPacket(buffer: .none, kind: .forward), for: next) { total += 1 }
    }
    #expect(total == NeighborCache.heldLimit && cache.heldCount == total)
    for number in 0..<UInt32(NeighborCache.heldPerNeighbor) {
      #expect(cache.takeHeld(place)?.buffer.index == number)
    }
    #expect(cache.takeHeld(place) == nil)
  }

  @Test func `a full table gives up those that are not used first, and never those that are asked for`() throws {
    var cache = NeighborCache(capacity: 4)
    for number in 1...UInt32(3) {
      let place = try #require(
        cache.learn(IPAddress(ipv4: number), lif: 1, mac: mac, creates: true, now: at(0)))
      if number != 2 { _ = cache.use(place) }
    }
    #expect(cache.begin(IPAddress(ipv4: 4), lif: 1, now: at(0)) != nil)
    #expect(cache.begin(IPAddress(ipv4: 5), lif: 1, now: at(0)) != nil)
    #expect(cache.find(IPAddress(ipv4: 2), lif: 1) == UInt32.max)
    #expect(cache.begin(IPAddress(ipv4: 6), lif: 1, now: at(0)) != nil)
    #expect(cache.begin(IPAddress(ipv4: 7), lif: 1, now: at(0)) != nil)
    #expect(cache.begin(IPAddress(ipv4: 8), lif: 1, now: at(0)) == nil)
    for number in 4...UInt32(7) { #expect(cache.find(IPAddress(ipv4: number), lif: 1) != UInt32.max) }
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
