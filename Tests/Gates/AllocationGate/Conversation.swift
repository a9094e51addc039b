/// One 5-tuple of the traffic and how far it has come. One that ended begins anew on another tuple.
struct Conversation {
  /// What a packet of it says beyond the tuple.
  struct Packet {
    var fromClient: Bool
    /// The flag octet of a TCP header; 0 for UDP.
    var flags: UInt8 = 0
    var sequence: UInt32 = 0
    var acknowledgment: UInt32 = 0
    /// Bytes behind the headers.
    var payload = 10
  }

  /// Position among all conversations: fixes transport, family and the server's address.
  let index: UInt32
  private var generation: UInt32 = 0
  private var stage = Stage.silent
  private var clientNext: UInt32 = 1000
  private var serverNext: UInt32 = 5000

  init(index: UInt32) {
    self.index = index
  }

  /// Even numbers are TCP, odd ones UDP.
  var isTCP: Bool { index.isMultiple(of: 2) }
  /// A quarter of all.
  var isIPv6: Bool { index & 6 == 6 }
  /// Low 32 bits of the client's address; another one in each generation.
  var client: UInt32 { 0x0A00_0000 | (index &+ generation &* 0x0001_0001) & 0x00FF_FFFF }
  /// Low 32 bits of the server's address.
  var server: UInt32 { 0xC612_0000 | index & 0xFF }
  /// 32768 or above.
  var clientPort: UInt16 { 0x8000 | UInt16(truncatingIfNeeded: index >> 2 &+ generation) & 0x7FFF }
  var serverPort: UInt16 { 443 }

  /// The next packet; `draw` decides who sends, and when to close or reset.
  mutating func next(_ draw: UInt64) -> Packet {
    guard isTCP else { return Packet(fromClient: draw & 1 == 0) }
    if stage == .ended {
      generation &+= 1
      stage = .silent
    }
    switch stage {
    case .silent, .ended:
      stage = .asked
      return send(fromClient: true, Flag.syn, payload: 0)
    case .asked:
      stage = .answered
      return send(fromClient: false, Flag.syn | Flag.ack, payload: 0)
    case .answered:
      stage = .open
      return send(fromClient: true, Flag.ack, payload: 0)
    case .open:
      return converse(draw)
    case .closingOne:
      stage = .closingTwo
      return send(fromClient: false, Flag.fin | Flag.ack, payload: 0)
    case .closingTwo:
      stage = .ended
      return send(fromClient: true, Flag.ack, payload: 0)
    }
  }

  private mutating func converse(_ draw: UInt64) -> Packet {
    switch draw >> 8 & 15 {
    case 0:
      stage = .ended
      return send(fromClient: draw & 1 == 0, Flag.rst | Flag.ack, payload: 0)
    case 1, 2:
      stage = .closingOne
      return send(fromClient: true, Flag.fin | Flag.ack, payload: 0)
    default:
      return send(fromClient: draw & 1 == 0, Flag.ack, payload: 10)
    }
  }

  private mutating func send(fromClient: Bool, _ flags: UInt8, payload: Int) -> Packet {
    let packet = Packet(
      fromClient: fromClient, flags: flags, sequence: fromClient ? clientNext : serverNext,
      acknowledgment: flags & Flag.ack == 0 ? 0 : (fromClient ? serverNext : clientNext), payload: payload)
    let octets = UInt32(payload) + (flags & (Flag.syn | Flag.fin) == 0 ? 0 : 1)
    if fromClient { clientNext &+= octets } else { serverNext &+= octets }
    return packet
  }

  private enum Stage {
    case silent, asked, answered, open, closingOne, closingTwo, ended
  }

  private enum Flag {
    static let fin: UInt8 = 0x01, syn: UInt8 = 0x02, rst: UInt8 = 0x04, ack: UInt8 = 0x10
  }
}
