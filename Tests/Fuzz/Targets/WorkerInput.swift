import Dataplane
import PacketIO

/// A worker's setting and a sequence of packets, decoded from any bytes.
///
///     byte 0   miss policy (bits 0-1), learned action (2), non-session policy (3-4), TCP control (5),
///              whether sessions are there from the start (6), whether the ports are routed (7)
///     byte 1   packets a burst, less 1
///     byte 2   places for sessions, less 1, below 128; else ample
///     then for each packet:
///     2 bytes  little-endian: captured length (bits 0-10), link type (11-13, Ethernet when 7),
///              port (14), whether the packet was longer on its link (15)
///     1 byte   time since the packet before: m << 2e milliseconds, with m in bits 0-3 and e in bits 4-7
///     bytes    of the packet, fewer at the end of the input
struct WorkerInput {
  let setup: WorkerSetup
  let requests: [SessionRequest]
  let packets: [MemoryQueue.Packet]
  let burstLimit: Int
  let isAmple: Bool
  let isRouted: Bool

  init?(_ input: [UInt8]) {
    guard input.count >= 3 else { return nil }
    burstLimit = Int(input[1]) + 1
    isAmple = input[2] >= 128
    isRouted = input[0] & 0x80 != 0
    requests = input[0] & 0x40 != 0 ? Self.sessions : []
    setup = Self.setup(input[0], capacity: isAmple ? 4096 : Int(input[2]) + 1)
    var packets: [MemoryQueue.Packet] = []
    var rest = input[3...]
    var time: UInt64 = 1_700_000_000_000_000_000
    while rest.count >= 3 {
      let word = UInt16(rest[rest.startIndex]) | UInt16(rest[rest.startIndex + 1]) << 8
      let step = rest[rest.startIndex + 2]
      rest = rest.dropFirst(3)
      time &+= (UInt64(step & 15) << UInt64(2 * (step >> 4))) &* 1_000_000
      let bytes = Array(rest.prefix(Int(word & 0x7FF)))
      rest = rest.dropFirst(bytes.count)
      let number = Int(word >> 11 & 7)
      let isSecond = word & 0x4000 != 0
      packets.append(
        MemoryQueue.Packet(
          bytes, time: PacketTime(nanoseconds: time), lif: isSecond ? 2 : 1, port: isSecond ? 1 : 0,
          link: LinkType.allCases[number % LinkType.allCases.count],
          originalLength: word & 0x8000 != 0 ? UInt32(bytes.count + 700) : nil))
    }
    self.packets = packets
  }

  private static func setup(_ byte: UInt8, capacity: Int) -> WorkerSetup {
    var generator = FixedGenerator()
    let ports = (UInt16(1)...2).map { lif in
      var port = WorkerSetup.Port(
        lif: lif, peer: 3 - lif, miss: MissPolicy.allCases[Int(byte & 3)],
        learnedAction: byte & 4 != 0 ? .drop : .forward,
        nonSession: NonSessionPolicy.allCases[Int(byte >> 3 & 3) % NonSessionPolicy.allCases.count],
        mac: MACAddress(0x0200_0000_0100 + UInt64(lif)))
      if byte & 0x80 != 0 {
        port.addresses = addresses(lif)
        // What seed packets are for.
        port.mac = MACAddress(0x0200_0000_0003 - UInt64(lif))
      }
      return port
    }
    var setup = WorkerSetup(
      workers: 1, capacity: capacity, ports: ports, waits: true, generator: &generator)
    setup.tcpControl = byte & 0x20 != 0 ? .punt : .track
    setup.neighbors = [
      Neighbor(address: nextHop, mac: MACAddress(0x0200_0000_0909), lif: LIF(number: 2, vlan: 9))
    ]
    setup.start = PacketTime(nanoseconds: 1_700_000_000_000_000_000)
    setup.poolBuffers = 8
    setup.packetSize = 2048
    return setup
  }

  /// Of a routed port: 10.0.N.1/24, 2001:db8:0:N::1/64.
  private static func addresses(_ lif: UInt16) -> [InterfaceAddress] {
    [
      InterfaceAddress(IPAddress(ipv4: 0x0A00_0001 | UInt32(lif - 1) << 8), length: 24),
      InterfaceAddress(IPAddress(ipv6High: 0x2001_0DB8_0000_0000 | UInt64(lif - 1), low: 1), length: 64),
    ].compactMap(\.self)
  }

  /// Policies that the two ports hold: theirs are equal, and a fresh table numbers them so.
  static let keptPolicies: [UInt32] = [0, 1, 0, 1]

  private static let nextHop = IPAddress(ipv4: 0xC000_0209)

  /// Eight sessions of both families and transports, with every action; those of the seed packets.
  private static let sessions: [SessionRequest] = (UInt16(0)..<8).map { number in
    let isIPv6 = number & 1 != 0
    func address(_ last: UInt32) -> IPAddress {
      isIPv6
        ? IPAddress(ipv6High: 0x2001_0DB8_0000_0000, low: UInt64(last)) : IPAddress(ipv4: 0x0A00_0000 | last)
    }
    let action = Action.allCases[Int(number) % Action.allCases.count]
    return SessionRequest(
      id: SessionID(UInt64(number) + 1),
      outLIF: number == 6 ? LIF(number: 2, vlan: 7) : .any,
      tuple: FiveTuple(
        source: address(1), sourcePort: 1000 + number, destination: address(2), destinationPort: 80,
        transport: number & 2 != 0 ? .udp : .tcp),
      action: action, nextHop: number < 4 ? nextHop : address(99), cacheTimeout: UInt32(number))
  }
}

/// The same hash secret each time, so that a finding repeats.
private struct FixedGenerator: RandomNumberGenerator {
  private var state: UInt64 = 1
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}
