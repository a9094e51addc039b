public import Dataplane

/// Packets in memory as a worker's queue: what tests and benchmarks run the packet path on.
///
/// Copies the packets once, at the start; after that it neither allocates nor copies unless it records.
/// Owned by one worker, which may hand its packets over: it must outlive the run.
@safe public struct MemoryQueue: PacketQueue, ~Copyable {
  /// A packet to be received.
  public struct Packet: Sendable {
    public var bytes: [UInt8]
    public var time: PacketTime
    /// LIF number of the port it arrives on, and that port's position in the worker's list.
    public var lif: UInt16
    public var port: UInt8
    public var link: LinkType
    /// Bytes it had on its link; those in `bytes` when nil.
    public var originalLength: UInt32?

    public init(
      _ bytes: [UInt8], time: PacketTime = .zero, lif: UInt16 = 1, port: UInt8 = 0,
      link: LinkType = .ethernet,
      originalLength: UInt32? = nil
    ) {
      self.bytes = bytes
      self.time = time
      self.lif = lif
      self.port = port
      self.link = link
      self.originalLength = originalLength
    }
  }

  /// A packet as the worker gave it to `transmit`, whatever its verdict.
  public struct Transmitted: Sendable {
    public let decision: Verdict
    public let bytes: [UInt8]
    public let originalLength: UInt32
    /// Position among all received packets.
    public let sequence: UInt64
  }

  /// A copy as the worker gave it to `transmit`, failed ones without bytes.
  public struct TransmittedCopy: Sendable {
    public let copy: PacketCopy
    public let bytes: [UInt8]
    /// Position of the packet that it copies.
    public let sequence: UInt64
  }

  /// What `transmit` was given so far, in order; empty unless the queue records.
  public private(set) var transmitted: [Transmitted] = []
  public private(set) var copies: [TransmittedCopy] = []
  /// Packets given to `transmit` so far, those handed to other workers included.
  public private(set) var transmittedCount = 0
  /// Whether `finish` was called.
  public private(set) var isFinished = false

  private let isRecording: Bool
  private let memory: UnsafeMutableRawPointer
  private let descriptors: UnsafeMutablePointer<PacketDescriptor>
  private let packetCount: Int
  private let burstSizes: [Int]
  private let rounds: Int
  private let roundLength: UInt64
  private var burstIndex = 0
  private var round = 0
  private var position = 0
  private var sequence: UInt64 = 0

  /// - Parameters:
  ///   - packets: in order of time.
  ///   - burstSizes: packets per burst, used in turn, each clamped to 1...the burst's limit; empty for bursts
  ///     as large as they can be.
  ///   - rounds: how often all packets are received, 1 or more.
  ///   - roundLength: nanoseconds from one round's times to the next one's.
  ///   - isRecording: whether what is transmitted is kept.
  public init(
    _ packets: [Packet], burstSizes: [Int] = [], rounds: Int = 1, roundLength: UInt64 = 0,
    isRecording: Bool = false
  ) {
    packetCount = packets.count
    self.burstSizes = burstSizes
    self.rounds = rounds
    self.roundLength = roundLength
    self.isRecording = isRecording
    let byteCount = packets.reduce(0) { $0 + $1.bytes.count }
    unsafe memory = .allocate(byteCount: max(byteCount, 1), alignment: 64)
    unsafe descriptors = .allocate(capacity: max(packets.count, 1))
    var offset = 0
    for (index, packet) in packets.enumerated() {
      // SAFETY: both allocations were sized for all packets.
      unsafe packet.bytes.withUnsafeBytes { source in
        guard let from = source.baseAddress else { return }
        unsafe (memory + offset).copyMemory(from: from, byteCount: source.count)
      }
      let descriptor = unsafe PacketDescriptor(
        start: memory + offset, capturedLength: UInt32(packet.bytes.count),
        originalLength: packet.originalLength ?? UInt32(packet.bytes.count), time: packet.time,
        captureTime: packet.time.nanoseconds, sequence: 0, lif: packet.lif, port: packet.port,
        link: packet.link)
      unsafe (descriptors + index).initialize(to: descriptor)
      offset += packet.bytes.count
    }
  }

  deinit {
    unsafe memory.deallocate()
    unsafe descriptors.deallocate()
  }

  /// Fills the burst; ended when every round is over.
  public mutating func receive(into burst: inout PacketBurst) -> ReceiveStatus {
    guard round < rounds, packetCount > 0 else { return .ended }
    var room = burst.limit
    if !burstSizes.isEmpty {
      room = min(max(burstSizes[burstIndex], 1), room)
      burstIndex = burstIndex + 1 == burstSizes.count ? 0 : burstIndex + 1
    }
    while room > 0, round < rounds {
      // SAFETY: `position` is below `packetCount`; the bytes live as long as the queue.
      var descriptor = unsafe descriptors[position]
      let shift = UInt64(round) &* roundLength
      unsafe descriptor.time = descriptor.time.advanced(by: shift)
      unsafe descriptor.captureTime &+= shift
      unsafe descriptor.sequence = sequence
      unsafe burst.append(descriptor)
      sequence += 1
      room -= 1
      position += 1
      if position == packetCount {
        position = 0
        round += 1
      }
    }
    return .packets
  }

  /// Counts, and records when asked to. Never refuses a packet.
  public mutating func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {
    transmittedCount += burst.count
    guard isRecording else { return }
    for index in 0..<burst.count {
      transmitted.append(
        Transmitted(
          decision: outcome[index], bytes: Self.array(burst.bytes(index)),
          originalLength: burst.originalLength(index), sequence: burst.sequence(index)))
    }
    for index in 0..<outcome.copyCount {
      let copy = outcome.copy(index)
      copies.append(
        TransmittedCopy(
          copy: copy, bytes: copy.failed ? [] : Self.array(outcome.copyBytes(index)),
          sequence: burst.sequence(copy.packet)))
    }
  }

  public mutating func finish() { isFinished = true }

  private static func array(_ bytes: RawSpan) -> [UInt8] {
    // SAFETY: the buffer is read while the span is alive, and copied.
    unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
  }
}
