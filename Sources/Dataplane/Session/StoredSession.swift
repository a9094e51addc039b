/// What memory, and so a file, has of a value.
func storedBytes(of value: some BitwiseCopyable) -> [UInt8] {
  unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
}

extension SessionPolicy {
  /// A policy as it lies in a file; nil when the bytes are none.
  ///
  /// - Parameter bytes: as many as a policy has.
  init?(stored bytes: UnsafeRawBufferPointer) {
    /// Whether the byte of `field` is that of one of `values` in memory, which need not be its raw value.
    func holds<Value: BitwiseCopyable>(
      _ field: KeyPath<SessionPolicy, Value>, oneOf values: [Value]
    ) -> Bool {
      guard let offset = MemoryLayout<SessionPolicy>.offset(of: field) else { return false }
      let byte = unsafe [bytes[offset]]
      return values.contains { value in
        unsafe withUnsafeBytes(of: value) { unsafe $0.elementsEqual(byte) }
      }
    }
    guard bytes.count == MemoryLayout<SessionPolicy>.stride, holds(\.action, oneOf: Action.allCases),
      holds(\.hasNextHop, oneOf: [false, true]), holds(\.nextHopFamily, oneOf: [.ipv4, .ipv6])
    else { return nil }
    // SAFETY: the size was compared, and each field that has invalid patterns was looked at.
    self = unsafe bytes.loadUnaligned(as: SessionPolicy.self)
    guard isWhole else { return nil }
    let times = Self.shortest...Self.longest
    guard times.contains(handshakeTimeout), times.contains(idleTimeout), times.contains(closingTimeout),
      times.contains(lingerTimeout)
    else { return nil }
  }

  /// Nanoseconds: a second and a year, the limits of the configuration.
  private static let shortest = PacketTime.nanosecondsPerSecond
  private static let longest = 31_536_000 * PacketTime.nanosecondsPerSecond
}

extension FlowTableMemory {
  /// Whether record `index` is in use.
  func isInUse(_ index: UInt32) -> Bool { line(index).identity >> 32 & 0xFF != 0 }

  /// The flow hash of record `index` of a file; nil when the record is no whole session of `header`'s shard.
  /// Its policy is not looked at.
  ///
  /// - Parameter time: the present time: none is of the future.
  func storedHash(_ index: UInt32, _ header: ShardHeader, at time: PacketTime) -> FlowHash? {
    // As bytes first: not every number is a state.
    let identity = line(index).identity
    let kind = FlowKind(rawValue: UInt8(truncatingIfNeeded: identity >> 32))
    guard kind == .tcp4 || kind == .udp4 || kind == .tcp6 || kind == .udp6,
      TrackState(rawValue: UInt8(truncatingIfNeeded: identity >> 40)) != nil
    else { return nil }
    let record = self[index]
    let (start, mark, id) = (self[detail: index].start, self[detail: index].mark, self[detail: index].id)
    guard mark == record.mark(start: start), start <= time.nanoseconds, record.lastSeen <= time.nanoseconds,
      id != .unassigned, id.rawValue & SessionID.cursorBit == 0
    else { return nil }
    let secret = header.secret
    if kind.isIPv6, secret.digest(self[addresses6: index]) != record.addresses { return nil }
    let hash = secret.hash(addresses: record.addresses, ports: record.ports, kind: kind)
    return hash.worker(of: header.workers) == header.worker ? hash : nil
  }
}

/// What became of sessions that lay in files.
package struct RestoreCounts: Equatable, BitwiseCopyable, Sendable {
  package var live = 0
  /// Closed ones that still linger.
  package var lingering = 0
  /// Records that were not whole: the process was killed while they came or went, or they are damaged.
  package var discarded = 0
  /// Closed ones, and ones idle for too long meanwhile, for which a smaller table had no room.
  package var left = 0
  /// Whether ids that the server assigned are on another worker or record than they say.
  package var hasMovedIDs = false

  package init() {}

  package static func + (one: Self, other: Self) -> Self {
    var sum = one
    sum.live += other.live
    sum.lingering += other.lingering
    sum.discarded += other.discarded
    sum.left += other.left
    sum.hasMovedIDs = one.hasMovedIDs || other.hasMovedIDs
    return sum
  }
}
