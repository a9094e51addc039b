import Dataplane

/// The addresses and ports of conversation `index`, derived from seed and index: nothing is stored.
///
/// Two indices below 2^27 never share a 5-tuple: client address and port together are a permutation of the
/// index.
struct ConversationTuple {
  let transport: SessionProtocol
  let client: IPAddress
  let server: IPAddress
  let clientPort: UInt16
  let serverPort: UInt16
  /// Where the client's and the server's sequence numbers begin.
  let clientStart: UInt32
  let serverStart: UInt32

  init(index: Int, options: TrafficOptions) {
    let hash = SplitMix64.hash(options.seed, UInt64(index))
    let second = SplitMix64.hash(hash, 0)
    let scattered = Self.scattered(UInt32(index), by: UInt32(truncatingIfNeeded: options.seed))
    let host = scattered >> 4
    let serverHost = UInt32(truncatingIfNeeded: hash) & 0xFFFF
    if Self.isIPv6(index, options) {
      client = IPAddress(ipv6High: Self.clients6, low: UInt64(host))
      server = IPAddress(ipv6High: Self.servers6, low: UInt64(serverHost))
    } else {
      client = IPAddress(ipv4: Self.clients4 | host)
      server = IPAddress(ipv4: Self.servers4 | serverHost)
    }
    transport = Self.transport(index, options)
    clientPort = Self.firstClientPort | UInt16(scattered & 0xF) << 8 | UInt16(hash >> 24 & 0xFF)
    serverPort = Self.serverPorts[Int(hash >> 62)]
    clientStart = UInt32(truncatingIfNeeded: second)
    serverStart = UInt32(truncatingIfNeeded: second >> 32)
  }

  static func transport(_ index: Int, _ options: TrafficOptions) -> SessionProtocol {
    switch options.transports {
    case .tcp: .tcp
    case .udp: .udp
    case .both: index.isMultiple(of: 2) ? .tcp : .udp
    }
  }

  /// Position among the conversations of its transport.
  static func ordinal(_ index: Int, _ options: TrafficOptions) -> Int {
    options.transports == .both ? index / 2 : index
  }

  static func isIPv6(_ index: Int, _ options: TrafficOptions) -> Bool {
    switch options.families {
    case .ipv4: return false
    case .ipv6: return true
    case .both:
      // Every other one, turned around after each round of endings, so that each ending meets both families.
      let ordinal = ordinal(index, options)
      return !(ordinal + ordinal / 16).isMultiple(of: 2)
    }
  }

  /// A permutation of 27 bits: adding, odd factors and shifts to the right can all be undone.
  private static func scattered(_ index: UInt32, by seed: UInt32) -> UInt32 {
    let mask: UInt32 = 1 << 27 - 1
    var bits = (index &+ seed) & mask
    bits = (bits &* 0x02C1_B3C7) & mask
    bits ^= bits >> 13
    bits = (bits &* 0x0165_6671) & mask
    return bits ^ bits >> 15
  }

  /// 10.0.0.0/9.
  private static let clients4: UInt32 = 0x0A00_0000
  /// 198.18.0.0/16, set aside for benchmarks: RFC 2544.
  private static let servers4: UInt32 = 0xC612_0000
  /// 2001:db8:0:1::/64 and 2001:db8:0:2::/64, for documentation: RFC 3849.
  private static let clients6: UInt64 = 0x2001_0DB8_0000_0001
  private static let servers6: UInt64 = 0x2001_0DB8_0000_0002
  /// The top 4096 ports: no protocol is known by one of them, so that analysers take the payload for what
  /// it is.
  private static let firstClientPort: UInt16 = 0xF000
  /// Nor by these, but for iperf3's.
  private static let serverPorts: [UInt16] = [5201, 15_001, 20_201, 25_001]
}
