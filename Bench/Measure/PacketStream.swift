import Dataplane

/// TCP packets of one size one after another, as `build_packet` of `peers/l3_em_bench.c` makes them: ACK
/// set, no payload claimed beyond the frame, IPv4 header checksum valid.
struct PacketStream: ~Copyable, @unchecked Sendable {
  // SAFETY (@unchecked): written by the initialisers only.
  private let bytes: HugeBuffer<UInt8>

  /// Packets of the flows in `order`.
  init(_ flows: Flows, _ order: borrowing HugeBuffer<UInt32>, packetSize: Int) throws(OutOfMemory) {
    bytes = try HugeBuffer(count: order.count * packetSize)
    for index in 0..<order.count {
      write(flows.tuple(order[index]), at: index * packetSize, size: packetSize)
    }
  }

  init(_ tuples: [FiveTuple], packetSize: Int) throws(OutOfMemory) {
    bytes = try HugeBuffer(count: tuples.count * packetSize)
    for (index, tuple) in tuples.enumerated() { write(tuple, at: index * packetSize, size: packetSize) }
  }

  /// The first packet.
  @unsafe var start: UnsafeRawPointer { unsafe UnsafeRawPointer(bytes.start) }

  private func write(_ tuple: FiveTuple, at start: Int, size: Int) {
    put(0x0200_0000_0001, 6, at: start)
    put(0x0200_0000_0002, 6, at: start + 6)
    put(0x0800, 2, at: start + 12)
    let network = start + 14
    put(0x4500, 2, at: network)
    put(UInt64(size - 14), 2, at: network + 2)
    put(64 << 8 | 6, 2, at: network + 8)
    put(UInt64(tuple.source.ipv4Value), 4, at: network + 12)
    put(UInt64(tuple.destination.ipv4Value), 4, at: network + 16)
    var sum: UInt32 = 0
    for offset in stride(from: network, to: network + 20, by: 2) {
      sum += UInt32(bytes[offset]) << 8 | UInt32(bytes[offset + 1])
    }
    while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
    put(UInt64(~sum & 0xFFFF), 2, at: network + 10)
    put(UInt64(tuple.sourcePort), 2, at: network + 20)
    put(UInt64(tuple.destinationPort), 2, at: network + 22)
    put(0x5010, 2, at: network + 32)
  }

  /// Writes the low `count` bytes of `value`, most significant first.
  private func put(_ value: UInt64, _ count: Int, at offset: Int) {
    for index in 0..<count {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - index)))
    }
  }
}
