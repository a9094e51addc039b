/// Where a packet of a burst ends, with what transmit needs to carry it out: every packet has exactly one.
public struct Verdict: BitwiseCopyable, Sendable {
  /// The kinds that are counted.
  public enum Kind: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    case forward = 0
    case drop = 1
    /// Forwarded, with a copy for the next hop.
    case mirror = 2
    /// To the slow path, with a copy for the next hop.
    case snoop = 3
    /// To the host port.
    case punt = 4
    /// Ended here: answered, reassembled, taken by the control plane.
    case consume = 5
    /// Handed to another worker, where its verdict will be; cancels in the sums.
    case handOff = 6
    /// Copied aside: a fragment that waits for its datagram's first one, and comes again; or, with the port
    /// that it is to leave by, a packet that waits for its next hop, and is sent or given up beside a burst.
    case hold = 7

    /// Whether the packet leaves by a port, if the verdict names one.
    @inlinable @inline(__always) package var isSent: Bool {
      switch self {
      case .forward, .mirror, .snoop, .punt: true
      case .drop, .consume, .handOff, .hold: false
      }
    }
  }

  public var kind: Kind
  /// Meaningful when the kind is drop.
  public var reason: DropReason
  /// The LIF number that the packet leaves by; 0 for drops, and for punted packets without a host port.
  public var outLIF: UInt16
  /// The VLAN to leave with when it is not the one it came with; `keepVLAN` otherwise. For handOff, the
  /// worker.
  package var vlan: UInt16
  private var unused: UInt16 = 0

  package static let keepVLAN = UInt16.max

  @inline(__always) public init(_ kind: Kind, outLIF: UInt16 = 0, reason: DropReason = .sessionDrop) {
    self.kind = kind
    self.outLIF = outLIF
    self.reason = reason
    vlan = Self.keepVLAN
  }

  @inline(__always) package static func handOff(to worker: UInt32) -> Verdict {
    var verdict = Verdict(.handOff)
    verdict.vlan = UInt16(truncatingIfNeeded: worker)
    return verdict
  }

  /// All of it, so that it is stored at once: kind in bits 7...0, reason in 15...8, LIF in 31...16, VLAN in
  /// 47...32. Never 0 for the kind forward.
  @inline(__always) package var word: UInt64 {
    UInt64(kind.rawValue) | UInt64(reason.rawValue) << 8 | UInt64(outLIF) << 16 | UInt64(vlan) << 32
  }
  package static var outLIFMask: UInt64 { 0xFFFF_0000 }

  /// The worker that a handed-off packet goes to.
  @inline(__always) package var worker: Int { Int(vlan) }

  @inline(__always) public static func drop(_ reason: DropReason) -> Verdict {
    Verdict(.drop, reason: reason)
  }
}

/// A copy that MIRROR or SNOOP made, in a buffer of the worker's pool.
public struct PacketCopy: BitwiseCopyable, Sendable {
  /// Why it is sent beside the burst.
  package enum Origin: UInt8, Sendable, BitwiseCopyable {
    /// A copy of a packet of the burst.
    case copy
    /// A packet of our own, such as an ARP reply.
    case generated
    /// A packet that has waited for its next hop.
    case released
  }

  package var origin = Origin.copy
  /// Which packet of the burst it copies.
  public var packet: Int
  /// `mirror` or `snoop`.
  public var kind: Verdict.Kind
  /// The LIF number behind which the next hop is.
  public var outLIF: UInt16
  /// Bytes that the copy would have on its link, were the packet not cut by a snap length; of one that has
  /// waited those that it came with.
  public var originalLength: UInt32
  /// Position of the port that received a packet that has waited.
  package var arrivalPort: UInt8 = 0
  /// Set by transmit when the copy could not be sent.
  public var failed = false
  package var buffer: PacketBuffer
}

/// What a worker made of a burst: a verdict per packet, and the copies made.
public struct BurstOutcome: ~Copyable {
  package var verdicts = FixedArray<Verdict>(repeating: Verdict(.drop))
  package var copies: FixedArray<PacketCopy>
  /// Copies in this burst, 0...256.
  public package(set) var copyCount = 0
  package var pool: PacketPool
  /// Packets whose verdict asks for a copy, and how many there are.
  var copyRequests = FixedArray<UInt8>(repeating: 0)
  var copyRequestCount = 0
  /// Buffers that hold retagged packets until the burst is sent.
  var retagged: FixedArray<PacketBuffer>
  var retaggedCount = 0
  /// Whether transmit has changed a verdict.
  private(set) var isChanged = false
  /// Whether some packet leaves with another VLAN than it came with.
  var needsRetag = false

  package init(pool: consuming PacketPool) {
    self.pool = pool
    retagged = FixedArray(repeating: .none)
    copies = FixedArray(
      repeating: PacketCopy(packet: 0, kind: .mirror, outLIF: 0, originalLength: 0, buffer: .none))
  }

  /// Whether some packet has to be written to or copied before the burst is sent.
  var needsRewrite: Bool { copyRequestCount > 0 || needsRetag }

  /// Gives the last burst's buffers back.
  mutating func removeAll() {
    for index in 0..<copyCount where copies[index].buffer.index != PacketBuffer.none.index {
      pool.release(copies[index].buffer)
    }
    for index in 0..<retaggedCount { pool.release(retagged[index]) }
    copyCount = 0
    copyRequestCount = 0
    retaggedCount = 0
    needsRetag = false
    isChanged = false
  }

  /// Has a packet of ours sent beside the burst; without room it is as if it could not be sent.
  mutating func add(generated buffer: PacketBuffer, lif: UInt16) {
    add(
      PacketCopy(
        origin: .generated, packet: 0, kind: .forward, outLIF: lif, originalLength: buffer.length,
        buffer: buffer))
  }

  /// Has a packet sent that has waited, or could have.
  ///
  /// - Parameters:
  ///   - lif: of the port that it leaves by.
  ///   - buffer: what it is now.
  /// - Precondition: there is room.
  mutating func add(_ packet: HeldPacket, as buffer: PacketBuffer, lif: UInt16) {
    var copy = PacketCopy(
      origin: packet.origin, packet: 0, kind: packet.kind, outLIF: lif, originalLength: packet.bytes,
      buffer: buffer)
    copy.arrivalPort = packet.port
    add(copy)
  }

  /// Whether there are buffers for so many more packets, and places to have them and `others` sent beside the
  /// burst.
  func hasRoom(for count: Int, and others: Int = 0) -> Bool {
    copyCount + count + others <= PacketBurst.capacity && pool.available >= count
  }

  private mutating func add(_ copy: PacketCopy) {
    guard copyCount < PacketBurst.capacity else { return pool.release(copy.buffer) }
    copies[copyCount] = copy
    copyCount += 1
  }

  /// The verdict on packet `index` of the burst.
  public subscript(index: Int) -> Verdict {
    get { verdicts[index] }
    set {
      verdicts[index] = newValue
      isChanged = true
    }
  }

  /// Copy `index`, below `copyCount`.
  public func copy(_ index: Int) -> PacketCopy { copies[index] }

  public mutating func markCopyFailed(_ index: Int) { copies[index].failed = true }

  /// The bytes of copy `index`.
  @_lifetime(borrow self)
  public func copyBytes(_ index: Int) -> RawSpan { pool.bytes(copies[index].buffer) }
}
