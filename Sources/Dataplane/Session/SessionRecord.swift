/// The half of a session that every packet touches: exactly one 64-byte cache line.
///
/// What belongs to a direction is indexed by side: 0 is sent by the key's low endpoint, 1 by the high one.
package struct SessionRecord: BitwiseCopyable {
  package var addresses: UInt64
  package var ports: UInt32
  // These four with the ports make one word, as `SessionLine` reads it.
  /// `.none` when the record is free.
  package var kind: FlowKind
  package var state: TrackState
  /// Window scale of each side, RFC 7323: the low side's in bits 3...0; 15 is unknown.
  package var windowScales: UInt8
  package var flags: SessionFlags
  /// Time of the last packet that counted as activity; the closing packet's once closed. Nanoseconds.
  package var lastSeen: UInt64
  package var low: SideState
  package var high: SideState
  /// Largest window advertised by each side, in units of its window scale.
  package var lowWindow: UInt16
  package var highWindow: UInt16
  /// Index of the session's `SessionPolicy`.
  package var policy: UInt32

  /// What a direction's packets leave behind.
  package struct SideState: BitwiseCopyable {
    package var bytes: UInt64 = 0
    /// Packets modulo 2^32; the carry is in the cold half.
    package var packets: UInt32 = 0
    /// Highest acknowledgement number that this side sent; valid with its `acked` flag.
    package var acknowledged: UInt32 = 0
  }

  /// What marks the record's session as complete: a sum over what never changes while it lives, never 0.
  ///
  /// - Parameter start: `SessionDetail.start`.
  package func mark(start: UInt64) -> UInt16 {
    var sum = ShardChecksum()
    sum.add(addresses ^ start)
    sum.add(UInt64(ports) << 8 | UInt64(kind.rawValue))
    return UInt16(truncatingIfNeeded: sum.value) | 1
  }

  package static let free = SessionRecord(
    addresses: 0, ports: 0, kind: .none, state: .established, windowScales: 0xFF, flags: [], lastSeen: 0,
    low: SideState(), high: SideState(), lowWindow: 0, highWindow: 0, policy: 0)
}

package struct SessionFlags: OptionSet, BitwiseCopyable, Sendable {
  package let rawValue: UInt8
  @inline(__always) package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The low, respectively high side has sent an acknowledgement: `acknowledged` is valid. Both are set from
  /// the start for UDP, where it means nothing.
  package static let lowAcked = SessionFlags(rawValue: 1)
  package static let highAcked = SessionFlags(rawValue: 2)
  /// The initiator is the key's high endpoint.
  package static let initiatorIsHigh = SessionFlags(rawValue: 4)
  /// The last FIN that changed the state came from the high side.
  package static let finFromHigh = SessionFlags(rawValue: 8)
  /// The close code is RST (only with state closed).
  package static let closedByReset = SessionFlags(rawValue: 16)
  /// Opened by the `learn` miss policy, not by a request.
  package static let isLearned = SessionFlags(rawValue: 32)
  /// The low, respectively high side has sent a SYN that we saw.
  package static let lowSYN = SessionFlags(rawValue: 64)
  package static let highSYN = SessionFlags(rawValue: 128)
}

/// The half of a session that only opening, closing and listing touch. 48 bytes.
package struct SessionDetail: BitwiseCopyable {
  package var id: SessionID
  /// Time of the packet or request that opened the session. Nanoseconds.
  package var start: UInt64
  /// Carries of the 32-bit packet counters, by side.
  package var lowPacketsCarry: UInt32
  package var highPacketsCarry: UInt32
  /// Sequence number after the last FIN that changed the state.
  package var finEnd: UInt32
  /// Position in the timer wheel; `TimerWheel.unarmed` when in none.
  package var slot: UInt16
  /// Set last when a session opens, cleared first when it goes: `SessionRecord.mark(start:)`. Without it a
  /// record that is mapped again is none.
  package var mark: UInt16 = 0
  /// Neighbours in the timer slot's list; `next` also links free records.
  package var next: UInt32
  package var previous: UInt32
  /// Neighbours in the list of lingering sessions.
  package var lingerNext: UInt32
  package var lingerPrevious: UInt32

  /// The 32-bit packet counter of `side` has wrapped.
  mutating func carry(_ side: UInt8) {
    // Wrapping: what a damaged file says must not end the process.
    if side == 0 { lowPacketsCarry &+= 1 } else { highPacketsCarry &+= 1 }
  }

  package static let empty = SessionDetail(
    id: .unassigned, start: 0, lowPacketsCarry: 0, highPacketsCarry: 0, finEnd: 0,
    slot: TimerWheel.unarmed, next: .max, previous: .max, lingerNext: .max, lingerPrevious: .max)
}

/// What many sessions share, stored once: LIFs, action, next hop, idle times. One cache line.
package struct SessionPolicy: Hashable, BitwiseCopyable, Sendable {
  package var inLIF: LIF
  package var outLIF: LIF
  package var action: Action
  /// Whether `nextHop` is meaningful.
  package var hasNextHop: Bool
  package var nextHopFamily: IPAddress.Family
  private var unused: UInt8 = 0
  /// Where the policy lies in a file: a sum over all else, set by `sealed`. Not part of its value.
  private var seal: UInt32 = 0
  /// Idle times in nanoseconds, chosen by `timeout(in:)`.
  package var handshakeTimeout: UInt64
  package var idleTimeout: UInt64
  package var closingTimeout: UInt64
  package var lingerTimeout: UInt64
  private var nextHopHigh: UInt64
  private var nextHopLow: UInt64

  package static func == (one: Self, other: Self) -> Bool {
    one.inLIF == other.inLIF && one.outLIF == other.outLIF && one.action == other.action
      && one.hasNextHop == other.hasNextHop && one.nextHopFamily == other.nextHopFamily
      && one.handshakeTimeout == other.handshakeTimeout && one.idleTimeout == other.idleTimeout
      && one.closingTimeout == other.closingTimeout && one.lingerTimeout == other.lingerTimeout
      && one.nextHopHigh == other.nextHopHigh && one.nextHopLow == other.nextHopLow
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(inLIF)
    hasher.combine(outLIF)
    hasher.combine(action)
    hasher.combine(idleTimeout)
    hasher.combine(handshakeTimeout)
    hasher.combine(nextHopHigh)
    hasher.combine(nextHopLow)
  }

  /// The same, with what tells whether its bytes in a file are still whole.
  var sealed: Self {
    var policy = self
    policy.seal = sum
    return policy
  }

  /// Whether its bytes are those that were sealed.
  var isWhole: Bool { seal == sum }

  private var sum: UInt32 {
    var bare = self
    bare.seal = 0
    var sum = ShardChecksum()
    for byte in storedBytes(of: bare) { sum.add(UInt64(byte)) }
    return UInt32(truncatingIfNeeded: sum.value)
  }

  package var nextHop: IPAddress? {
    guard hasNextHop else { return nil }
    return nextHopFamily == .ipv4
      ? IPAddress(ipv4: UInt32(truncatingIfNeeded: nextHopLow))
      : IPAddress(ipv6High: nextHopHigh, low: nextHopLow)
  }

  /// - Parameters:
  ///   - idle, handshake: idle times in seconds once established, and before.
  ///   - timeouts: the closing and linger times; never longer than `idle`.
  package init(
    inLIF: LIF, outLIF: LIF, action: Action, nextHop: IPAddress?, idle: UInt32, handshake: UInt32,
    timeouts: Timeouts
  ) {
    self.inLIF = inLIF
    self.outLIF = outLIF
    self.action = action
    // Next hops are for copies only: DROP and FORWARD ignore them.
    let hop = action == .mirror || action == .snoop ? nextHop : nil
    hasNextHop = hop != nil
    nextHopFamily = hop?.family ?? .ipv4
    nextHopHigh = hop?.high ?? 0
    nextHopLow = hop?.low ?? 0
    let second = PacketTime.nanosecondsPerSecond
    idleTimeout = UInt64(idle) * second
    handshakeTimeout = UInt64(handshake) * second
    closingTimeout = UInt64(min(idle, timeouts.closing)) * second
    lingerTimeout = UInt64(min(idle, timeouts.linger)) * second
  }

  /// The policy of a request; its cache timeout, or the configured default when that is 0.
  package init(_ request: SessionRequest, timeouts: Timeouts) {
    let idle = request.cacheTimeout == 0 ? timeouts.cacheDefault : request.cacheTimeout
    self.init(
      inLIF: request.inLIF, outLIF: request.outLIF, action: request.action, nextHop: request.nextHop,
      idle: idle, handshake: idle, timeouts: timeouts)
  }
}
