/// One 5-tuple of the capture and how far its traffic has come.
///
/// TCP opens with SYN, SYN/ACK and ACK and then carries data both ways, every segment acknowledging all
/// that the other side sent; nobody ever closes. UDP starts with the client and then goes either way.
struct Conversation {
  /// The protocol that carries it.
  enum Transport {
    case tcp, udp
  }

  /// Even numbers are TCP, odd ones UDP.
  let transport: Transport
  /// Whether both addresses are IPv6.
  let isIPv6: Bool
  /// Low bits of the client's address; the prefix is ``FrameLayout``'s.
  let clientHost: UInt32
  /// Low bits of the server's address; the prefix is ``FrameLayout``'s.
  let serverHost: UInt32
  /// 32768 or above.
  let clientPort: UInt16
  /// One of four well-known numbers.
  let serverPort: UInt16

  private var stage = Stage.silent
  /// Sequence number of the client's next octet.
  private var clientNext: UInt32
  /// Sequence number of the server's next octet.
  private var serverNext: UInt32

  /// Conversation number `index` of the capture; two numbers below ``maximumCount`` never share a 5-tuple.
  ///
  /// Numbers alternate between TCP and UDP. `ipv6Percent` of them, by chance, are IPv6.
  init(index: UInt32, ipv6Percent: UInt64, random: inout SplitMix64) {
    // An odd factor and a shift to the right are both reversible in 24 bits, so distinct stays distinct.
    var scattered = (index &* 0x009E_3779) & (Self.maximumCount - 1)
    scattered ^= scattered >> 12
    let draw = random.next()
    let sequences = random.next()
    transport = index.isMultiple(of: 2) ? .tcp : .udp
    isIPv6 = random.next() % 100 < ipv6Percent
    clientHost = scattered >> 4
    serverHost = UInt32(truncatingIfNeeded: draw) & 0xFFF
    // 16 slots of 2048 client ports from 32768 up: the slot keeps clients apart, chance picks inside it.
    let slot = UInt16(truncatingIfNeeded: scattered & 0xF)
    clientPort = 0x8000 | slot << 11 | UInt16(truncatingIfNeeded: draw >> 16) & 0x7FF
    serverPort = Self.serverPorts[Int(draw >> 62)]
    clientNext = UInt32(truncatingIfNeeded: sequences)
    serverNext = UInt32(truncatingIfNeeded: sequences >> 32)
  }

  /// Whether a packet of it was written.
  var hasStarted: Bool { stage != .silent }

  /// The next packet. `fromClient` is a wish: opening packets go the way they must.
  ///
  /// `room` is what a data packet carries, in bytes.
  mutating func next(fromClient: Bool, room: Int) -> Segment {
    guard transport == .tcp else {
      let isFirst = stage == .silent
      stage = .open
      return Segment(fromClient: fromClient || isFirst, payloadByteCount: room)
    }
    switch stage {
    case .silent:
      stage = .asked
      return send(fromClient: true, flags: .syn, payloadByteCount: 0)
    case .asked:
      stage = .answered
      return send(fromClient: false, flags: [.syn, .ack], payloadByteCount: 0)
    case .answered:
      stage = .open
      return send(fromClient: true, flags: .ack, payloadByteCount: 0)
    case .open:
      return send(fromClient: fromClient, flags: [.ack, .psh], payloadByteCount: room)
    }
  }

  private mutating func send(fromClient: Bool, flags: TCPFlags, payloadByteCount: Int) -> Segment {
    let segment = Segment(
      fromClient: fromClient,
      flags: flags,
      sequence: fromClient ? clientNext : serverNext,
      acknowledgment: flags.contains(.ack) ? (fromClient ? serverNext : clientNext) : 0,
      payloadByteCount: payloadByteCount)
    let octets = UInt32(payloadByteCount) + (flags.contains(.syn) ? 1 : 0)
    if fromClient { clientNext &+= octets } else { serverNext &+= octets }
    return segment
  }

  private enum Stage {
    case silent, asked, answered, open
  }

  /// How many distinct conversations there are: 20 bits of client address and 4 of client port.
  static let maximumCount: UInt32 = 1 << 24

  private static let serverPorts: [UInt16] = [443, 8443, 5201, 7000]
}

/// What one packet of a conversation says beyond its 5-tuple, in host byte order.
struct Segment {
  let fromClient: Bool
  var flags: TCPFlags = []
  var sequence: UInt32 = 0
  var acknowledgment: UInt32 = 0
  let payloadByteCount: Int
}

/// The flag octet of a TCP header, RFC 9293 §3.1.
struct TCPFlags: OptionSet {
  let rawValue: UInt8

  static let syn = TCPFlags(rawValue: 0x02)
  static let psh = TCPFlags(rawValue: 0x08)
  static let ack = TCPFlags(rawValue: 0x10)
}
