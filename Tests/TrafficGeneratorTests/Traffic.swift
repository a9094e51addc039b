import Dataplane
import TrafficGenerator

/// A plan's packets, all of them.
struct Traffic {
  /// One packet with its bytes.
  struct Packet: Equatable {
    var bytes: [UInt8]
    var time: PacketTime
    var conversation: Int
  }

  let plan: TrafficPlan
  private(set) var packets: [Packet] = []
  private(set) var byteCount: UInt64 = 0

  init(_ change: (inout TrafficOptions) -> Void) throws {
    var options = TrafficOptions()
    change(&options)
    try self.init(options)
  }

  init(_ options: TrafficOptions) throws {
    plan = try TrafficPlan(options)
    var stream = TrafficStream(plan)
    var frame = [UInt8](repeating: 0, count: plan.frameCapacity)
    while true {
      var span = frame.mutableSpan
      var bytes = span.mutableBytes
      guard let packet = stream.next(into: &bytes) else { break }
      packets.append(
        Packet(bytes: Array(frame[..<packet.length]), time: packet.time, conversation: packet.conversation))
    }
    byteCount = stream.bytes
  }

  /// The packets of each conversation, in order.
  var conversations: [[Packet]] {
    var all = [[Packet]](repeating: [], count: plan.options.flows)
    for packet in packets { all[packet.conversation].append(packet) }
    return all
  }
}

extension Traffic.Packet {
  /// Where the IP header begins: behind the tags.
  private var ip: Int {
    var offset = 12
    while bytes[offset...].starts(with: [0x81, 0x00]) || bytes[offset...].starts(with: [0x88, 0xA8]) {
      offset += 4
    }
    return offset + 2
  }

  var isIPv6: Bool { bytes[ip] >> 4 == 6 }
  private var transport: Int { ip + (isIPv6 ? 40 : 20) }
  var isTCP: Bool { (isIPv6 ? bytes[ip + 6] : bytes[ip + 9]) == 6 }
  var flags: TCPFlags { TCPFlags(rawValue: bytes[transport + 13]) }
  var sequence: UInt32 { bytes[(transport + 4)..<(transport + 8)].reduce(0) { $0 << 8 | UInt32($1) } }
  /// Addresses and ports as they stand in the packet.
  var tuple: [UInt8] {
    Array(isIPv6 ? bytes[(ip + 8)..<(ip + 40)] : bytes[(ip + 12)..<(ip + 20)])
      + bytes[transport..<(transport + 4)]
  }
  /// The tuple, the same from either side.
  var flow: [UInt8] {
    let half = (tuple.count - 4) / 2
    let source = Array(tuple[..<half]) + tuple[(2 * half)..<(2 * half + 2)]
    let destination = Array(tuple[half..<(2 * half)]) + tuple[(2 * half + 2)...]
    let isAscending = source.lexicographicallyPrecedes(destination)
    return (isAscending ? source + destination : destination + source) + [isTCP ? 6 : 17]
  }
}

/// A seeded generator, so that a failure repeats. Steele, Lea and Flood 2014.
struct Dice: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }

  mutating func options() -> TrafficOptions {
    var options = TrafficOptions()
    options.flows = [1, 2, 3, 4, 7, 30, 300].randomElement(using: &self) ?? 1
    let packetsPerFlow = Int.random(in: 1...25, using: &self)
    options.packets = options.flows * packetsPerFlow + Int.random(in: 0...5, using: &self)
    options.seed = next()
    let sizes: [TrafficOptions.Size] = [.imix, .bytes(64), .bytes(75), .bytes(1420), .bytes(9014)]
    options.size = sizes.randomElement(using: &self) ?? .imix
    options.families = .allCases.randomElement(using: &self) ?? .both
    options.transports = .allCases.randomElement(using: &self) ?? .both
    options.distribution = .allCases.randomElement(using: &self) ?? .uniform
    options.tags = [.none, .vlan(7), .qinq(outer: 3, inner: 4)].randomElement(using: &self) ?? .none
    options.fragments = [0, 0, 0.3, 1].randomElement(using: &self) ?? 0
    options.retransmits = [0, 0.01, 0.5, 0.9].randomElement(using: &self) ?? 0
    let seconds = Double(options.packets)
    options.pace =
      [.automatic, .rate(1), .rate(7.5), .rate(1000), .duration(1), .duration(seconds)]
      .randomElement(using: &self) ?? .automatic
    return options
  }
}
