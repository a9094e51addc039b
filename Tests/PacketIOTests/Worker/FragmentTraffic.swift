import Dataplane
import PacketIO

/// Random datagrams in fragments: out of order, twice, overlapping, without end or beginning, among whole
/// packets of the same flows.
enum FragmentTraffic {
  private struct Waiting {
    var input: FragmentModel.Input
    var turn: UInt64
  }

  /// - Parameter gap: the largest time between two packets, in milliseconds.
  static func random(_ datagrams: Int, gap: UInt64, seed: UInt64) -> [FragmentModel.Input] {
    var random = SplitMix64(state: seed)
    var waiting: [Waiting] = []
    for datagram in 0..<datagrams {
      // Neighbours in this list mix.
      let turn = UInt64(datagram) * 8
      for input in inputs(&random) {
        waiting.append(Waiting(input: input, turn: turn + random.next() % 40))
        if random.next() % 20 == 0 { waiting.append(Waiting(input: input, turn: turn + random.next() % 60)) }
      }
    }
    var time: UInt64 = 1_700_000_000_000_000_000
    return waiting.sorted { $0.turn < $1.turn }.enumerated().map { index, entry in
      var input = entry.input
      let isLong = random.next() % 200 == 0
      time += random.next() % (gap * 1_000_000) + (isLong ? 20_000_000_000 : 0)
      input.packet.time = PacketTime(nanoseconds: time)
      // The sender's address tells packets apart in what comes out.
      for byte in 0..<4 { input.packet.bytes[8 + byte] = UInt8(truncatingIfNeeded: index >> (24 - 8 * byte)) }
      return input
    }
  }

  private static func inputs(_ random: inout SplitMix64) -> [FragmentModel.Input] {
    let flow = UInt16(random.next() % 30)
    let isIPv6 = flow % 3 == 0
    var tuple = Build.tuple(1000 + flow, flow % 2 == 0 ? .tcp : .udp, isIPv6: isIPv6)
    if random.next() & 1 != 0 { tuple = tuple.reversed }
    let lif: UInt16 = random.next() % 4 == 0 ? 2 : 1
    func packet(_ bytes: [UInt8]) -> MemoryQueue.Packet {
      MemoryQueue.Packet(bytes, lif: lif, port: UInt8(lif - 1))
    }
    let isTCP = tuple.transport == .tcp
    let payload = Int(random.next() % 300)
    if random.next() % 3 == 0 {
      let whole = isTCP ? Build.tcp(tuple, .ack, payload: payload) : Build.udp(tuple, payload: payload)
      return [FragmentModel.Input(packet: packet(whole), fragment: nil, tuple: tuple)]
    }
    // Few identifications, so that they are used again; one protocol in eight has no ports.
    let hasPorts = random.next() % 8 != 0
    let id = UInt32(random.next() % 6)
    let number: UInt8 = hasPorts ? (isTCP ? 6 : 17) : 47
    let segment = Build.segment(tuple, payload: payload + 24)
    let name = "\(tuple.source) \(tuple.destination) \(id) \(isIPv6 ? 0 : number)"
    return ranges(segment.count, &random).map { range, isLast in
      // Alone it is no fragment, but a whole packet or an atomic fragment.
      let isWhole = range.lowerBound == 0 && isLast
      return FragmentModel.Input(
        packet: packet(
          Build.fragment(
            tuple.source, tuple.destination, number, Array(segment[range]), at: range.lowerBound,
            more: !isLast, id: id)),
        fragment: isWhole
          ? nil
          : FragmentModel.Fragment(
            datagram: name, isIPv6: isIPv6, start: range.lowerBound, stop: range.upperBound, isLast: isLast),
        tuple: hasPorts && range.lowerBound == 0 ? tuple : nil)
    }
  }

  /// Parts of `count` bytes, the first with the whole header; mostly such as a sender makes.
  private static func ranges(_ count: Int, _ random: inout SplitMix64) -> [(Range<Int>, isLast: Bool)] {
    var parts: [(Range<Int>, isLast: Bool)] = []
    var start = 0
    while start < count {
      let stop = min(start + 24 + Int(random.next() % 12) * 8, count)
      parts.append((start..<stop, stop == count))
      start = stop
    }
    switch random.next() % 8 {
    case 0: parts.removeFirst()
    case 1: parts.removeLast()
    case 2:
      let first = 24 + Int(random.next() % UInt64(count / 8)) * 8
      if first + 8 < count {
        parts.append((first..<min(first + 8 + Int(random.next() % 8) * 8, count / 8 * 8), false))
      }
    default: break
    }
    return parts.filter { !$0.0.isEmpty && ($0.isLast || $0.0.count % 8 == 0) }
  }
}
