/// What became of one packet in one pass of a worker: what a trace is told of it, beside its bytes.
///
/// A packet has several of these when it waits for its first fragment or belongs to another worker: all but
/// the last end in hold or hand off.
package struct TracedPass: BitwiseCopyable, Sendable {
  /// A session as the packet finds or leaves it.
  package struct Session: BitwiseCopyable, Sendable {
    package var snapshot: SessionSnapshot
    package var state: TrackState
    /// Whether it was over when the packet came: it ends by timeout, and the packet does not count into it.
    package var isExpired: Bool
    package var isFromInitiator: Bool
  }

  /// The copy that MIRROR or SNOOP made.
  package struct Copy: BitwiseCopyable, Sendable {
    package var outLIF: UInt16
    package var originalLength: UInt32
    package var failed: Bool
    /// Whether it waits for its next hop's Ethernet address.
    package var waits = false
  }

  /// What a routed port's way brought it to.
  package struct Route: BitwiseCopyable, Sendable {
    /// The router, or the destination itself; nil without a route.
    package var nextHop: IPAddress?
    package var outLIF: UInt16 = 0
    /// Of the next hop; nil while it is not known.
    package var mac: MACAddress?
    /// Time to live or hop limit as it leaves.
    package var timeToLive: UInt8 = 0
    /// Whether it waits for that address.
    package var waits = false
  }

  // As it was received.
  package var time: PacketTime
  package var captureTime: UInt64
  package var sequence: UInt64
  package var capturedLength: UInt32
  package var originalLength: UInt32
  package var lif: UInt16
  /// Position in the worker's list of ports.
  package var port: UInt8
  package var link: LinkType
  package var worker: UInt8
  /// Whether another worker received it and handed it over.
  package var isHandedOff: Bool
  /// Whether it had waited for its first fragment.
  package var hadWaited: Bool

  // As it was parsed.
  /// Of fragments: what it follows.
  package var fate: FragmentFate
  /// Whether it had a key, and its session was this worker's to look for.
  package var hasKey = false
  /// Whether that key is the one of the packet that an ICMP error quotes.
  package var isICMPError = false
  /// The key's hash, without which no worker is chosen; 0 without a key.
  package var hash: UInt64 = 0

  // As it was decided.
  package var before: Session?
  package var after: Session?
  package var decided = Verdict(.drop)
  package var missed = false
  package var learnFailed = false
  /// Whether a routed port ended it before it could look for a session.
  package var isScreened = false

  // As it ended.
  package var route: Route?
  package var copy: Copy?
  /// Bytes that it has more than when it came.
  package var bytesGrown = 0
  package var final = Verdict(.drop)

  /// Whether nothing more is told of it: what waits for a neighbour does not come again.
  package var isEnd: Bool {
    final.kind != .handOff && (final.kind != .hold || route?.waits == true)
  }

  /// Whether the packet was just received: its journey begins.
  package var isBeginning: Bool { !isHandedOff && !hadWaited }

  @unsafe init(_ packet: PacketDescriptor, worker: Int, fate: FragmentFate, hadWaited: Bool) {
    unsafe time = packet.time
    unsafe captureTime = packet.captureTime
    unsafe sequence = packet.sequence
    unsafe capturedLength = packet.capturedLength
    unsafe originalLength = packet.originalLength
    unsafe lif = packet.lif
    unsafe port = packet.port
    unsafe link = packet.link
    unsafe isHandedOff = packet.isHandedOff
    self.worker = UInt8(truncatingIfNeeded: worker)
    self.fate = fate
    self.hadWaited = hadWaited
  }
}

/// The packet that goes through the passes alone, and what was noted of it so far.
@safe struct TracedPacket: BitwiseCopyable {
  // SAFETY: its bytes are readable until its burst is over, as it came, whatever is sent in its place.
  let packet: PacketDescriptor
  var pass: TracedPass
}
