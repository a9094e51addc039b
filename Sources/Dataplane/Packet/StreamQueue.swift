/// A memory port: packets of one size that lie one after another, handed out where they lie or, as a device
/// driver would, each copied into a buffer of the port first. Owned by one worker.
@safe package struct StreamQueue: PacketQueue, ~Copyable {
  /// Nanoseconds between two packets.
  private static let nanosecondsApart: UInt64 = 32

  /// Room of a buffer, as drivers have it.
  private static let bufferSize = 2048

  private let packets: UnsafeRawPointer
  private let packetSize: Int
  private let count: Int
  private let lif: UInt16
  private var time: PacketTime
  private var position = 0
  private let isCopying: Bool
  /// Where packets are copied to, and which buffers hold the last burst.
  private var pool: PacketPool
  private var buffers = FixedArray<UInt32>(repeating: 0)
  private var bufferCount = 0

  /// - Parameters:
  ///   - packets: `count` Ethernet frames of `packetSize` bytes each.
  ///   - time: when the first packet arrives.
  ///   - isCopying: whether each packet is copied before the worker sees it.
  /// - Returns: nil when the kernel has no memory for the buffers.
  /// - Safety: `packets` must stay readable as long as this queue lives.
  @unsafe package init?(
    _ packets: UnsafeRawPointer, packetSize: Int, count: Int, lif: UInt16, time: PacketTime, isCopying: Bool
  ) {
    unsafe self.packets = packets
    self.packetSize = packetSize
    self.count = count
    self.lif = lif
    self.time = time
    self.isCopying = isCopying
    let size = max(packetSize, Self.bufferSize)
    guard let pool = PacketPool(capacity: PacketBurst.capacity, packetSize: size) else { return nil }
    self.pool = pool
  }

  /// Begins with the first packet again; its time goes on.
  package mutating func rewind() { position = 0 }

  package mutating func receive(into burst: inout PacketBurst) -> ReceiveStatus {
    if bufferCount > 0 { giveBack() }
    guard position < count else { return .ended }
    let wanted = min(burst.limit, count - position)
    if isCopying { copy(wanted, &burst) } else { refer(wanted, &burst) }
    position += burst.count
    time = time.advanced(by: UInt64(burst.count) &* Self.nanosecondsApart)
    return burst.isEmpty ? .idle : .packets
  }

  private func refer(_ wanted: Int, _ burst: inout PacketBurst) {
    unsafe burst.fill { places in
      for index in 0..<wanted {
        // SAFETY: position + wanted <= count, wanted <= the free places of an empty burst.
        unsafe places[index] = descriptor(packets + (position &+ index) &* packetSize, index)
      }
      return wanted
    }
  }

  private mutating func copy(_ wanted: Int, _ burst: inout PacketBurst) {
    bufferCount = pool.allocate(wanted, into: buffers)
    unsafe burst.fill { places in
      for index in 0..<bufferCount {
        // SAFETY: as in `refer`; a buffer has room for a packet, and the pool keeps the bytes until the next
        // `receive` gives it back.
        let copied = unsafe pool.fill(
          buffers[index], from: packets + (position &+ index) &* packetSize, count: packetSize)
        unsafe places[index] = descriptor(copied, index)
      }
      return bufferCount
    }
  }

  @inline(__always)
  private func descriptor(_ start: UnsafeRawPointer, _ index: Int) -> PacketDescriptor {
    unsafe PacketDescriptor(
      start: start, capturedLength: UInt32(truncatingIfNeeded: packetSize),
      originalLength: UInt32(truncatingIfNeeded: packetSize), time: time, captureTime: time.nanoseconds,
      sequence: UInt64(position &+ index), lif: lif, port: 0, link: .ethernet)
  }

  /// A burst may come in several passes: what was received is in use until all of them are over.
  private mutating func giveBack() {
    pool.release(bufferCount, of: buffers)
    bufferCount = 0
  }

  package mutating func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {}

  package mutating func finish() {}
}
