import Dataplane
import PacketIO

/// Random packets of few flows, so that they open, close, expire and reopen sessions.
enum Traffic {
  /// - Parameter spacing: mean nanoseconds between packets.
  static func random(_ count: Int, flows: Int = 40, spacing: UInt64 = 50_000_000, seed: UInt64)
    -> [MemoryQueue.Packet]
  {
    var random = SplitMix64(state: seed)
    var time: UInt64 = 1_700_000_000_000_000_000
    return (0..<count).map { _ in
      time += random.next() % (2 * spacing)
      let isPort2 = random.next() & 1 != 0
      var packet = MemoryQueue.Packet(
        bytes(flows, &random), time: PacketTime(nanoseconds: time), lif: isPort2 ? 2 : 1,
        port: isPort2 ? 1 : 0)
      if random.next() % 10 == 0 {
        packet.originalLength = UInt32(packet.bytes.count)
        packet.bytes.removeLast(Int(random.next() % UInt64(packet.bytes.count + 1)))
      }
      return packet
    }
  }

  private static func bytes(_ flows: Int, _ random: inout SplitMix64) -> [UInt8] {
    let flow = UInt16(random.next() % UInt64(flows))
    let isIPv6 = flow % 3 == 0
    var tuple = Build.tuple(1000 + flow, flow % 2 == 0 ? .tcp : .udp, isIPv6: isIPv6)
    if random.next() & 1 != 0 { tuple = tuple.reversed }
    let payload = Int(random.next() % 200)
    switch random.next() % 20 {
    case 0: return Build.ethernet(0x88CC, [UInt8](repeating: 1, count: 50))
    case 1: return Array(Build.udp(tuple).prefix(Int(random.next() % 40)))
    default: break
    }
    guard tuple.transport == .tcp else { return Build.udp(tuple, payload: payload) }
    let kinds: [TCPFlags] = [
      .syn, [.syn, .ack], .ack, .ack, .ack, [.ack, .psh], [.fin, .ack], [.fin, .ack], .rst, [.rst, .ack], [],
    ]
    return Build.tcp(
      tuple, kinds[Int(random.next() % UInt64(kinds.count))], sequence: UInt32(random.next() % 1000),
      acknowledgment: UInt32(random.next() % 1000), payload: payload)
  }
}
