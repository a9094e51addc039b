package import Dataplane
import Synchronization

/// What one worker received and transmitted by port, in memory that any thread may read without asking. Only
/// the worker writes, by plain stores, once for each run of packets of one port.
@safe package final class PortCounters: Sendable {
  /// Packets, and the bytes that they had on their links.
  package struct Traffic: Equatable, Sendable {
    package var packets: UInt64 = 0
    package var bytes: UInt64 = 0

    package init() {}

    package static func += (left: inout Traffic, right: Traffic) {
      left.packets += right.packets
      left.bytes += right.bytes
    }
  }

  /// What else happens on live ports, each a count.
  package enum Event: Int, CaseIterable, Sendable {
    /// Dropped by the kernel since the receive ring was full.
    case ringFull
    /// Received and dropped before any worker saw them: too long, or with work left that cannot be done.
    case refused
    /// Not accepted by the interface when they were to be sent.
    case transmitFailed
    /// Transmitted, as it seemed, and not accepted after all when their turn came. AF_XDP.
    case unsent
    /// Super-frames received, and the packets that they became, which count as received.
    case superFrames, segments
    /// Checksums that the sender had left to its device.
    case checksums
    /// Receive rings that had to be replaced since nothing came through them any more.
    case stalls
    /// Receive rings that moved to an interface that was made again, or workers' sockets of AF_XDP.
    case reattached
    /// Frames of AF_XDP that are on their way now: lent to workers or being sent. Not a sum: see `set`.
    case framesInUse
    /// Frames that the kernel named though it did not have them: none, unless kernel or program are wrong.
    case frameFaults
    /// Packets (TPACKET_V3: blocks of them) that waited in the receive rings at the last look, four times a
    /// second, and how many these rings take. Not sums: see `set`.
    case ringWaiting, ringSize

    /// Whether it is as it is now, and no count since the start.
    package var isGauge: Bool { [.framesInUse, .ringWaiting, .ringSize].contains(self) }
  }

  /// Words of a port: packets and bytes received, packets and bytes transmitted, events.
  private static let stride = 4 + Event.allCases.count

  /// Ports, in the workers' order.
  package let count: Int
  // SAFETY: allocated in init, freed in deinit; the elements are atomics.
  private nonisolated(unsafe) let words: UnsafeMutablePointer<Atomic<UInt64>>

  package init(ports count: Int) {
    self.count = count
    // Whole pages of its own, so that no other thread writes the same cache lines.
    let bytes = max(4096, count * Self.stride * MemoryLayout<Atomic<UInt64>>.stride)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 4096)
    unsafe words = memory.bindMemory(to: Atomic<UInt64>.self, capacity: bytes / 8)
    for index in 0..<count * Self.stride { unsafe (words + index).initialize(to: Atomic(0)) }
  }

  deinit { unsafe UnsafeMutableRawPointer(words).deallocate() }

  package func received(_ port: Int) -> Traffic { load(port, 0) }
  package func transmitted(_ port: Int) -> Traffic { load(port, 2) }

  package subscript(port: Int, event: Event) -> UInt64 {
    guard port < count else { return 0 }
    // SAFETY: the port is below `count`.
    return unsafe words[port * Self.stride + 4 + event.rawValue].load(ordering: .relaxed)
  }

  /// The port has left its worker: nothing of it is now.
  func clearGauges(port: Int) {
    for event in Event.allCases where event.isGauge { set(event, to: 0, port: port) }
  }

  func add(_ event: Event, _ amount: UInt64, port: Int) {
    guard port < count, amount > 0 else { return }
    let place = port * Self.stride + 4 + event.rawValue
    // SAFETY: as above. One writer, so that load and store need not be one operation.
    let value = unsafe words[place].load(ordering: .relaxed)
    unsafe words[place].store(value &+ amount, ordering: .relaxed)
  }

  /// Says how much of something there is now.
  func set(_ event: Event, to amount: UInt64, port: Int) {
    guard port < count else { return }
    // SAFETY: as above.
    unsafe words[port * Self.stride + 4 + event.rawValue].store(amount, ordering: .relaxed)
  }

  func addReceived(_ traffic: Traffic, port: Int) { add(traffic, port, 0) }
  func addTransmitted(_ traffic: Traffic, port: Int) { add(traffic, port, 2) }

  /// Counts what a live port made of a burst's packets.
  func addTransmission(_ result: (sent: Traffic, failed: UInt64), port: Int) {
    addTransmitted(result.sent, port: port)
    add(.transmitFailed, result.failed, port: port)
  }

  /// Counts a copy of so many bytes.
  ///
  /// - Returns: whether it was sent, as it was given.
  func addCopy(isSent: Bool, byteCount: Int, port: Int) -> Bool {
    var sent = Traffic()
    sent.packets = isSent ? 1 : 0
    sent.bytes = isSent ? UInt64(byteCount) : 0
    addTransmission((sent, isSent ? 0 : 1), port: port)
    return isSent
  }

  private func load(_ port: Int, _ offset: Int) -> Traffic {
    var traffic = Traffic()
    guard port < count else { return traffic }
    // SAFETY: the port is below `count`.
    traffic.packets = unsafe words[port * Self.stride + offset].load(ordering: .relaxed)
    traffic.bytes = unsafe words[port * Self.stride + offset + 1].load(ordering: .relaxed)
    return traffic
  }

  private func add(_ traffic: Traffic, _ port: Int, _ offset: Int) {
    guard port < count else { return }
    let place = port * Self.stride + offset
    // SAFETY: as above. One writer, so that load and store need not be one operation.
    let packets = unsafe words[place].load(ordering: .relaxed)
    unsafe words[place].store(packets &+ traffic.packets, ordering: .relaxed)
    let bytes = unsafe words[place + 1].load(ordering: .relaxed)
    unsafe words[place + 1].store(bytes &+ traffic.bytes, ordering: .relaxed)
  }
}

/// Which port has a LIF number. Shared by all workers.
@safe package final class PortPositions: Sendable {
  private static let unknown = UInt16.max
  private static let numbers = 1 << 16

  // SAFETY: allocated and filled in init, only read afterwards, freed in deinit.
  private nonisolated(unsafe) let positions: UnsafeMutablePointer<UInt16>

  package convenience init(_ ports: [WorkerSetup.Port]) { self.init(ports, at: Array(ports.indices)) }

  /// - Parameter places: of each port in the workers' list, below 256.
  package init(_ ports: [WorkerSetup.Port], at places: [Int]) {
    unsafe positions = .allocate(capacity: Self.numbers)
    unsafe positions.initialize(repeating: Self.unknown, count: Self.numbers)
    for (port, place) in zip(ports, places) { unsafe positions[Int(port.lif)] = UInt16(place) }
  }

  deinit { unsafe positions.deallocate() }

  /// The port's position in the workers' list; nil when no port has that LIF.
  @inline(__always) func position(_ lif: UInt16) -> Int? {
    let position = unsafe positions[Int(lif)]
    return position == Self.unknown ? nil : Int(position)
  }
}
