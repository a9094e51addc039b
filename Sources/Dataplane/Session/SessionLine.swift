/// A session's cache line in the flow table: what packets do to it, in one place.
///
/// A value that points into the table, used within one step of the packet path and never kept.
@safe package struct SessionLine {
  private let record: UnsafeMutablePointer<SessionRecord>

  /// - Safety: `record` stays valid as long as this value is used.
  @unsafe @inline(__always) init(_ record: UnsafeMutablePointer<SessionRecord>) {
    unsafe self.record = record
  }

  @inline(__always) var value: SessionRecord {
    unsafeAddress { unsafe UnsafePointer(record) }
  }

  /// Whether the record is in use by this tuple, IPv6 addresses not compared.
  @inline(__always) func matches(_ key: FlowKey) -> Bool {
    let addresses = unsafe record.pointee.addresses ^ key.addresses
    let ports = unsafe record.pointee.ports ^ key.ports
    let kind = unsafe record.pointee.kind.rawValue ^ key.kind.rawValue
    return addresses | UInt64(ports) | UInt64(kind) == 0
  }

  /// Whether the initiator sent a packet of `side`.
  @inline(__always) func isFromInitiator(side: UInt8) -> Bool {
    (side != 0) == (unsafe record.pointee.flags.contains(.initiatorIsHigh))
  }

  /// Counts a packet of `side`.
  ///
  /// - Returns: whether the 32-bit packet counter wrapped.
  @inline(__always) func count(side: UInt8, bytes: UInt32) -> Bool {
    let state = unsafe sideState(side)
    unsafe state.pointee.bytes &+= UInt64(bytes)
    unsafe state.pointee.packets &+= 1
    return unsafe state.pointee.packets == 0
  }

  /// Notes activity. A packet that another worker handed over may be older than the last one.
  @inline(__always) func renew(_ time: PacketTime) {
    unsafe record.pointee.lastSeen = max(record.pointee.lastSeen, time.nanoseconds)
  }

  /// Remembers the highest acknowledgement and the largest window of a TCP segment's sender. Without
  /// branches: which of them change is as good as random. `SessionFlags.lowAcked` is bit 0, `highAcked` is
  /// bit 1.
  ///
  /// - Parameter isTCP: false changes nothing: UDP needs no branch around this.
  @inline(__always) func note(acknowledgment: UInt32, window: UInt16, side: UInt8, isTCP: Bool) {
    let state = unsafe sideState(side)
    let flags = unsafe record.pointee.flags.rawValue
    let tcp: UInt8 = isTCP ? 1 : 0
    let isKnown = UInt32(flags &>> (side & 1)) & 1
    let highest = unsafe state.pointee.acknowledged
    let isLater = (highest &- acknowledgment) &>> 31
    let mask = 0 &- (UInt32(tcp) & (isKnown ^ 1 | isLater))
    unsafe state.pointee.acknowledged = highest ^ (highest ^ acknowledgment) & mask
    unsafe record.pointee.flags = SessionFlags(rawValue: flags | tcp &<< (side & 1))
    let largest = unsafe windowPointer(side)
    unsafe largest.pointee = max(largest.pointee, window)
  }

  /// What the packets of `side` left behind.
  @inline(__always) func side(_ side: UInt8) -> SessionRecord.SideState { unsafe sideState(side).pointee }

  func setAcknowledged(_ number: UInt32, side: UInt8) { unsafe sideState(side).pointee.acknowledged = number }

  @inline(__always) func window(side: UInt8) -> UInt16 { unsafe windowPointer(side).pointee }

  func setWindow(_ window: UInt16, side: UInt8) { unsafe windowPointer(side).pointee = window }

  // SAFETY: side 0 or 1 selects one of two adjacent fields: `low`/`high`, `lowWindow`/`highWindow`.

  @inline(__always) private func sideState(_ side: UInt8) -> UnsafeMutablePointer<SessionRecord.SideState> {
    unsafe UnsafeMutableRawPointer(record).advanced(by: Offset.sides + 16 * Int(side & 1))
      .assumingMemoryBound(to: SessionRecord.SideState.self)
  }

  @inline(__always) private func windowPointer(_ side: UInt8) -> UnsafeMutablePointer<UInt16> {
    unsafe UnsafeMutableRawPointer(record).advanced(by: Offset.windows + 2 * Int(side & 1))
      .assumingMemoryBound(to: UInt16.self)
  }

  /// Of `SessionRecord`, proved by a test.
  package enum Offset {
    package static let sides = 24, windows = 56
  }
}
