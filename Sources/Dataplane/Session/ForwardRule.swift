/// What a session's policy means for the ordinary packets of one direction, worked out when the policy is
/// made: one comparison then tells whether a packet may go the fast way.
package struct ForwardRule: BitwiseCopyable {
  /// A packet goes the fast way when its arrival LIF under `mask` is `arrival`.
  package var mask: UInt32
  package var arrival: UInt32
  /// Such a packet's verdict (`Verdict.word`). It names no LIF where the packet leaves by the peer of the
  /// port that received it.
  package var verdict: UInt64 {
    get { UInt64(verdictHigh) << 32 | UInt64(verdictLow) }
    set {
      verdictLow = UInt32(truncatingIfNeeded: newValue)
      verdictHigh = UInt32(truncatingIfNeeded: newValue >> 32)
    }
  }
  // Apart, so that the question for the LIF is one instruction.
  private var verdictLow: UInt32 = 0
  private var verdictHigh: UInt32 = 0

  /// - Parameter isFromInitiator: which direction's rule.
  package init(_ policy: SessionPolicy, isFromInitiator: Bool) {
    let comes = isFromInitiator ? policy.inLIF : policy.outLIF
    let leaves = isFromInitiator ? policy.outLIF : policy.inLIF
    mask = comes.mask
    arrival = comes.rawValue & comes.mask
    verdict = Verdict(.forward, outLIF: leaves.number).word
    if leaves.rawValue != 0, comes.rawValue == 0 {
      // Any LIF is accepted, but only a packet of the right VLAN leaves as it came.
      mask = LIF.vlanMask
      arrival = leaves.rawValue & LIF.vlanMask
    }
    let isRetagged = leaves.rawValue != 0 && arrival & LIF.vlanMask != leaves.rawValue & LIF.vlanMask
    if policy.action != .forward || isRetagged || (leaves.rawValue != 0 && leaves.number == 0) {
      // No packet.
      mask = 0
      arrival = 1
    }
  }

  /// Whether `verdict` names no LIF.
  @inline(__always) package var leavesByPeer: Bool {
    verdictLow & UInt32(truncatingIfNeeded: Verdict.outLIFMask) == 0
  }

  /// Whether a packet that arrived on `lif` may go the fast way.
  @inline(__always) package func admits(_ lif: LIF) -> Bool { lif.rawValue & mask == arrival }
}

/// Both directions' rules of a policy. One cache line.
package struct ForwardRules: BitwiseCopyable {
  package var fromInitiator: ForwardRule
  package var fromResponder: ForwardRule
  /// Nanoseconds of idleness after which an established session ends.
  package var idleTimeout: UInt64
  private var unused: (UInt64, UInt64, UInt64) = (0, 0, 0)

  package init(_ policy: SessionPolicy) {
    fromInitiator = ForwardRule(policy, isFromInitiator: true)
    fromResponder = ForwardRule(policy, isFromInitiator: false)
    idleTimeout = policy.idleTimeout
  }

  /// From the beginning to `fromResponder`, proved by a test.
  package static var responderOffset: Int { 16 }
}
