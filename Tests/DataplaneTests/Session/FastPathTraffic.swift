import Dataplane

/// Random packets of a few hundred flows, mostly of open connections, on four LIFs with and without VLAN.
struct FastPathTraffic {
  static let flows = 300
  private var random: SplitMix64
  private var now: UInt64 = 1_700_000_000_000_000_000

  init(seed: UInt64) { random = SplitMix64(state: seed) }

  /// Flow `number` as its initiator sends it: two in three TCP, two in five IPv6.
  static func tuple(_ number: Int) -> FiveTuple {
    let isIPv6 = number % 5 < 2
    // Some initiators are the high endpoint of their key.
    let low = UInt32(number % 7), high = UInt32(number % 11)
    return FiveTuple(
      source: isIPv6 ? IPAddress(ipv6High: 1, low: UInt64(low)) : IPAddress(ipv4: 0x0A00_0000 + low),
      sourcePort: UInt16(1000 + number),
      destination: isIPv6 ? IPAddress(ipv6High: 1, low: UInt64(high)) : IPAddress(ipv4: 0x0A00_0000 + high),
      destinationPort: 80, transport: number % 3 == 0 ? .udp : .tcp)
  }

  /// Sessions on LIF pairs, on VLANs, from one VLAN to another; some tuples twice, on two pairs.
  static func requestsWithLIFs() -> [SessionRequest] {
    let pairs: [(LIF, LIF)] = [
      (LIF(number: 1), LIF(number: 2)), (LIF(number: 1, vlan: 7), LIF(number: 2, vlan: 7)),
      (LIF(number: 1), LIF(number: 2, vlan: 7)), (LIF(number: 0, vlan: 7), LIF(number: 0, vlan: 7)),
      (.any, .any), (LIF(number: 2), .any), (.any, LIF(number: 3)),
    ]
    var requests: [SessionRequest] = []
    for flow in 0..<flows {
      let pair = pairs[flow % pairs.count]
      requests.append(
        SessionRequest(
          id: SessionID(UInt64(flow) + 1), inLIF: pair.0, outLIF: pair.1, tuple: tuple(flow),
          action: flow % 9 == 8 ? .drop : .forward, cacheTimeout: UInt32(20 + flow)))
      guard flow % pairs.count < 3 else { continue }
      requests.append(
        SessionRequest(
          id: SessionID(UInt64(flow) + 1001), inLIF: LIF(number: 4), outLIF: LIF(number: 3),
          tuple: tuple(flow), action: .forward, cacheTimeout: 100))
    }
    return requests
  }

  mutating func packets(_ count: Int) -> [ArrivingPacket] { (0..<count).map { _ in packet() } }

  private mutating func packet() -> ArrivingPacket {
    now += random.next() % 2_000_000
    // Idle gaps: short ones, and some in which much times out.
    if random.oneIn(500) { now += random.next() % 15_000_000_000 }
    var bytes = bytes()
    let original = UInt32(bytes.count)
    if random.oneIn(30) { bytes.removeLast(random.below(bytes.count)) }
    let port = random.below(random.oneIn(3) ? 4 : 2)
    return ArrivingPacket(
      bytes: bytes, time: PacketTime(nanoseconds: now), lif: UInt16(port + 1), port: UInt8(port),
      original: original)
  }

  private mutating func bytes() -> [UInt8] {
    if random.oneIn(100) { return Packets.ethernet(0x0806, Packets.arp()) }
    let flow = Self.tuple(random.below(Self.flows))
    let tuple = random.oneIn(2) ? flow : flow.swapped
    let payload = [UInt8](repeating: 0x77, count: random.below(80))
    let segment = tuple.transport == .udp ? udp(tuple, payload) : tcp(tuple, payload)
    let isIPv6 = tuple.source.family == .ipv6
    let packet = ip(tuple, segment)
    let etherType: UInt16 = isIPv6 ? 0x86DD : 0x0800
    guard random.oneIn(4) else { return Packets.ethernet(etherType, packet) }
    return Packets.ethernet(0x8100, Packets.tag(random.oneIn(4) ? 9 : 7, etherType, packet))
  }

  private func udp(_ tuple: FiveTuple, _ payload: [UInt8]) -> [UInt8] {
    Packets.header(UDPHeader.size) {
      UDPHeader.write(
        sourcePort: tuple.sourcePort, destinationPort: tuple.destinationPort,
        length: UDPHeader.size + payload.count, into: &$0, at: 0)
    } + payload
  }

  private mutating func tcp(_ tuple: FiveTuple, _ payload: [UInt8]) -> [UInt8] {
    var flags: TCPFlags = random.oneIn(2) ? .ack : [.ack, .psh]
    if random.oneIn(25) {
      let rare: [TCPFlags] = [
        .syn, [.syn, .ack], [.fin, .ack], [.fin, .ack], .rst, [.rst, .ack], [], [.urg, .ack], [.syn, .fin],
      ]
      flags = rare[random.below(rare.count)]
    }
    let sequence = UInt32(truncatingIfNeeded: random.below(3000)) &- 1500
    let acknowledgment = UInt32(truncatingIfNeeded: random.below(3000)) &- 1500
    let window = UInt16(random.below(2000))
    return Packets.header(TCPHeader.size) {
      TCPHeader.write(
        sourcePort: tuple.sourcePort, destinationPort: tuple.destinationPort, sequence: sequence,
        acknowledgment: acknowledgment, flags: flags, window: window, into: &$0, at: 0)
    } + payload
  }

  private func ip(_ tuple: FiveTuple, _ segment: [UInt8]) -> [UInt8] {
    if tuple.source.family == .ipv4 {
      return Packets.header(IPv4Header.size) {
        IPv4Header.write(
          source: tuple.source, destination: tuple.destination, protocolNumber: tuple.transport.rawValue,
          totalLength: IPv4Header.size + segment.count, into: &$0, at: 0)
      } + segment
    }
    return Packets.header(IPv6Header.size) {
      IPv6Header.write(
        source: tuple.source, destination: tuple.destination, nextHeader: tuple.transport.rawValue,
        payloadLength: segment.count, into: &$0, at: 0)
    } + segment
  }
}
