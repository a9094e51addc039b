/// The ordinary case on the spot: a packet that neither opens nor closes, of an established session that
/// forwards. Everything else takes the long way through `SessionTable`.
///
/// Copies of the table's addresses for the length of one pass: the compiler then keeps them in registers.
/// Counting and comparing are `SessionLine`'s, as on the long way.
@safe package struct FlowFastPath {
  private let records: UnsafeMutablePointer<SessionRecord>
  private let lastAddresses: UnsafeMutablePointer<FlowAddresses6>
  private let recordCount: UInt32
  private let policies: UnsafePointer<SessionPolicy>

  /// "Take the long way"; no LIF number.
  package static let longWay = UInt32.max

  /// - Safety: all pointers stay valid as long as this value is used.
  @unsafe @inline(__always) init(
    records: UnsafeMutablePointer<SessionRecord>, lastAddresses: UnsafeMutablePointer<FlowAddresses6>,
    recordCount: UInt32, policies: UnsafePointer<SessionPolicy>
  ) {
    unsafe self.records = records
    unsafe self.lastAddresses = lastAddresses
    self.recordCount = recordCount
    unsafe self.policies = policies
  }

  /// Counts the packet into its session when the case is ordinary; otherwise changes nothing.
  ///
  /// - Parameter peer: the LIF to leave by when the session names none.
  /// - Returns: the LIF number to forward to, or `longWay`.
  @inline(__always)
  func forward(_ packet: SessionPacket, _ addresses6: FlowAddresses6, peer: UInt16) -> UInt32 {
    guard packet.isOrdinary, packet.candidate < recordCount else { return Self.longWay }
    let index = Int(packet.candidate)
    // SAFETY: index < recordCount; the policy index is that of a session in use once the key matches.
    let line = unsafe SessionLine(records + index)
    guard line.matches(packet.key), line.value.state == .established else { return Self.longWay }
    if packet.key.kind.isIPv6, unsafe (lastAddresses - index).pointee != addresses6 { return Self.longWay }
    let policy = unsafe policies + Int(line.value.policy)
    let side = packet.key.side
    let isFromInitiator = line.isFromInitiator(side: side)
    let (inLIF, outLIF) = unsafe (policy.pointee.inLIF, policy.pointee.outLIF)
    let arrival = isFromInitiator ? inLIF : outLIF
    let departure = isFromInitiator ? outLIF : inLIF
    guard unsafe policy.pointee.action == .forward, arrival.accepts(packet.lif),
      departure.rawValue == 0 || (departure.vlan == packet.lif.vlan && departure.number != 0),
      Int64(bitPattern: packet.time.nanoseconds &- line.value.lastSeen)
        < Int64(bitPattern: unsafe policy.pointee.idleTimeout),
      line.side(side).packets != .max
    else { return Self.longWay }
    _ = line.count(side: side, bytes: packet.bytes)
    line.renew(packet.time)
    line.note(
      acknowledgment: packet.acknowledgment, window: packet.window, side: side, isTCP: packet.hasTCPFields)
    return UInt32(departure.rawValue == 0 ? peer : departure.number)
  }
}
