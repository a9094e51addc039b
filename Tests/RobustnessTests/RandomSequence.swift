import Dataplane
import PacketIO

/// Random traffic of few flows, with sessions and policies for it: all from one seed.
///
/// TCP with every flag, UDP, IPv4 and IPv6, up to two VLAN tags, ICMP with and without a quoted packet,
/// fragments, retransmits, gaps that end sessions, cut and malformed packets. Times rise by at least a
/// microsecond, in whole ones, so that a capture file holds them as they are.
struct RandomSequence {
  static let start: UInt64 = 1_700_000_000_000_000_000
  private static let flows: UInt16 = 36

  let seed: UInt64
  let packets: [MemoryQueue.Packet]
  let requests: [SessionRequest]
  let miss: MissPolicy
  let learnedAction: Action
  let nonSession: NonSessionPolicy
  let tcpControl: TCPControl
  let copies: CopyEncapsulation

  init(seed: UInt64, count: Int) {
    self.seed = seed
    var random = SplitMix64(state: seed)
    miss = random.oneIn(2) ? .learn : MissPolicy.allCases[random.below(MissPolicy.allCases.count)]
    learnedAction = random.oneIn(3) ? .drop : .forward
    nonSession = NonSessionPolicy.allCases[random.below(NonSessionPolicy.allCases.count)]
    tcpControl = random.oneIn(4) ? .punt : .track
    copies = random.oneIn(2) ? .ethernet : .gre(sourceIPv4: IPAddress(ipv4: 0x0A00_0009), sourceIPv6: nil)
    requests = (0..<Self.flows).filter { $0 % 3 == 0 }.map { Self.request($0, &random) }
    var packets: [MemoryQueue.Packet] = []
    var time = Self.start
    for _ in 0..<count {
      time += 1000 * UInt64(1 + random.below(random.oneIn(60) ? 40_000_000 : 30_000))
      var packet =
        random.oneIn(12) && !packets.isEmpty
        ? packets[packets.count - 1 - random.below(min(packets.count, 20))]
        : MemoryQueue.Packet(Self.bytes(&random))
      packet.time = PacketTime(nanoseconds: time)
      if random.oneIn(14) {
        packet.originalLength = UInt32(packet.bytes.count)
        packet.bytes.removeLast(random.below(packet.bytes.count + 1))
      }
      packets.append(packet)
    }
    self.packets = packets
  }

  // MARK: Sessions

  static let collector = IPAddress(ipv4: 0xC000_0209)
  static let neighbor = Neighbor(
    address: collector, mac: MACAddress(0x0200_0000_0909), lif: LIF(number: 1, vlan: 9))

  private static func request(_ flow: UInt16, _ random: inout SplitMix64) -> SessionRequest {
    SessionRequest(
      id: SessionID(UInt64(flow) + 1), outLIF: random.oneIn(4) ? LIF(number: 1, vlan: 7) : .any,
      tuple: tuple(flow), action: Action.allCases[random.below(Action.allCases.count)],
      nextHop: random.oneIn(4) ? IPAddress(ipv4: 0xC000_0263) : collector,
      cacheTimeout: UInt32(random.below(40)))
  }

  private static func tuple(_ flow: UInt16) -> FiveTuple {
    func address(_ last: UInt32) -> IPAddress {
      flow % 4 == 3
        ? IPAddress(ipv6High: 0x2001_0DB8_0000_0000, low: UInt64(last))
        : IPAddress(ipv4: 0x0A00_0000 | last)
    }
    return FiveTuple(
      source: address(UInt32(flow % 5) + 1), sourcePort: 1000 + flow, destination: address(200),
      destinationPort: flow % 7 == 0 ? 4500 : 80, transport: flow % 2 == 0 ? .tcp : .udp)
  }

  // MARK: Packets

  private static func bytes(_ random: inout SplitMix64) -> [UInt8] {
    let flow = UInt16(random.below(Int(flows)))
    var tuple = tuple(flow)
    if random.oneIn(2) { tuple = PacketBytes.reversed(tuple) }
    let vlans: [UInt16] = [[], [], [], [7], [100, 200]][Int(flow % 5)]
    switch random.below(40) {
    case 0: return (0..<random.below(90)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    case 1: return PacketBytes.frame(0x0806, vlans, [UInt8](repeating: 0, count: 28))
    case 2: return PacketBytes.ip(tuple, 50, [0, 0, 1, 0, 0, 0, 0, 9], vlans)
    case 3: return PacketBytes.echo(tuple, vlans)
    case 4: return PacketBytes.unreachable(tuple, vlans)
    case 5, 6:
      let part = random.below(3)
      return PacketBytes.fragment(tuple, part: part, identification: UInt16(random.below(5)), vlans)
    case 7, 8:
      var changed = PacketBytes.transport(tuple, [.ack], 5, 5, payload: 20, vlans)
      for _ in 0...random.below(3) {
        changed[random.below(min(changed.count, 70))] = UInt8(truncatingIfNeeded: random.next())
      }
      return changed
    default: break
    }
    let usual: [TCPFlags] = [
      .syn, .syn, [.syn, .ack], .ack, .ack, .ack, [.ack, .psh], [.fin, .ack], [.fin, .ack], .rst,
      [.rst, .ack],
    ]
    let flags =
      random.oneIn(8) ? TCPFlags(rawValue: UInt8(random.below(256))) : usual[random.below(usual.count)]
    return PacketBytes.transport(
      tuple, flags, UInt32(random.below(2000)), UInt32(random.below(2000)), payload: random.below(300), vlans)
  }
}

/// A seeded generator, so that a failure repeats. Steele, Lea and Flood 2014.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }

  /// A number from 0 to `limit` - 1.
  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

  mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }
}
