import CLinuxPacket

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

  /// Ports, kind, state, window scales and flags in one word, the ports lowest.
  @inline(__always) var identity: UInt64 {
    // SAFETY: eight bytes of the record, every bit pattern of which is valid.
    let word = unsafe UnsafeRawPointer(record).load(fromByteOffset: Offset.identity, as: UInt64.self)
    return UInt64(littleEndian: word)
  }

  /// Whether the record is in use by this tuple, IPv6 addresses not compared.
  @inline(__always) func matches(_ key: FlowKey) -> Bool {
    let addresses = unsafe record.pointee.addresses ^ key.addresses
    return addresses | (identity ^ key.rest) << 24 == 0
  }

  /// The same for an ordinary packet, whose session must also be established, and its side have acknowledged
  /// before.
  ///
  /// - Safety: `key` must be readable.
  @unsafe @inline(__always) func matchesOrdinary(_ key: UnsafePointer<FlowKey>) -> Bool {
    // Both begin with addresses and identity. Of bits 57 and 56 the key has that of its side; the other
    // flags and the window scales may be anything.
    unsafe sluice_agree(record, key, 3 << 56, 0xFCFF << 48)
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

  /// Notes activity at `time` in nanoseconds. A packet may be older than the last one.
  @inline(__always) func renew(to time: UInt64) {
    unsafe record.pointee.lastSeen = max(record.pointee.lastSeen, time)
  }

  /// The same for a packet that comes no earlier than the last one, and less than `timeout` after it.
  ///
  /// - Returns: false for every other one, and nothing has changed.
  @inline(__always) func renew(to time: UInt64, within timeout: UInt64) -> Bool {
    // An older one seems to be very late.
    guard time &- (unsafe record.pointee.lastSeen) < timeout else { return false }
    unsafe record.pointee.lastSeen = time
    return true
  }

  /// Remembers the highest acknowledgement and the largest window of a TCP segment's sender.
  /// `SessionFlags.lowAcked` is bit 0, `highAcked` bit 1.
  func note(acknowledgment: UInt32, window: UInt16, side: UInt8) {
    if !hasAcknowledged(side: side) {
      unsafe sideState(side).pointee.acknowledged = acknowledgment
      unsafe record.pointee.flags.formUnion(SessionFlags(rawValue: 1 &<< (side & 1)))
    }
    noteLater(acknowledgment: acknowledgment, window: window, side: side)
  }

  /// The same when an acknowledgement of `side` is known. Without branches: which of them change is as good
  /// as random. For UDP the numbers are of no meaning, and nobody reads them.
  @inline(__always) func noteLater(acknowledgment: UInt32, window: UInt16, side: UInt8) {
    let state = unsafe sideState(side)
    let advance = unsafe Int32(bitPattern: acknowledgment &- state.pointee.acknowledged)
    unsafe state.pointee.acknowledged &+= UInt32(bitPattern: max(advance, 0))
    let largest = unsafe windowPointer(side)
    unsafe largest.pointee = max(largest.pointee, window)
  }

  /// Whether `side` has sent an acknowledgement.
  @inline(__always) func hasAcknowledged(side: UInt8) -> Bool {
    unsafe record.pointee.flags.rawValue &>> (side & 1) & 1 != 0
  }

  /// Where in `ForwardRules` the rule for packets with this key stands: the key's side and
  /// `SessionFlags.initiatorIsHigh` are in bit 58.
  @inline(__always) func ruleOffset(_ key: FlowKey) -> Int {
    Int(truncatingIfNeeded: (identity ^ key.rest) >> 54 & 16)
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
    package static let identity = 8, sides = 24, windows = 56
  }
}
