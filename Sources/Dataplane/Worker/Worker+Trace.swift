/// Traces look at a packet between the passes, which know nothing of it. A packet that is traced goes through
/// them alone, so that what changes meanwhile is its own doing; how a burst is cut changes no verdict
/// (docs/decisions/0001).
extension Worker {
  /// Cuts the burst before the next packet that is traced, or behind it where it comes first.
  @inline(never)
  mutating func isolate(_ burst: inout PacketBurst) {
    isTraced = false
    for index in 0..<burst.count {
      // SAFETY: a burst's bytes are readable until it is over.
      let packet = unsafe burst.descriptor(index)
      let comesAgain = unsafe packet.isHandedOff || heldSlots[index] != Slot.none
      guard traces.contains(where: { unsafe $0.wants(packet, comesAgain: comesAgain) }) else { continue }
      cut(&burst, at: max(index, 1))
      isTraced = index == 0
      return
    }
  }

  /// Decides about a packet that goes alone, and notes what that does.
  @inline(never)
  mutating func decideTraced(_ burst: borrowing PacketBurst) {
    guard burst.count == 1 else {
      // It comes again, behind what its coming has released.
      isTraced = false
      return decide()
    }
    let packet = unsafe burst.descriptor(0)
    var pass = unsafe TracedPass(
      packet, worker: index, fate: fates[0], hadWaited: heldSlots[0] != Slot.none)
    if flows.count == 1 {
      pass.hasKey = true
      pass.isICMPError = flows.packets[0].isICMPError
      pass.hash = flows.packets[0].key.hash.rawValue
      pass.before = tracedSession
    }
    decide()
    if flows.count == 1 { pass.after = tracedSession }
    pass.decided = outcome.verdicts[0]
    pass.missed = tally.missed > 0
    pass.learnFailed = tally.learnFailed > 0
    pass.isScreened = tally.screened > 0
    traced = unsafe TracedPacket(packet: packet, pass: pass)
  }

  /// The session of the packet that goes alone, as it is now.
  private var tracedSession: TracedPass.Session? {
    mutating get {
      let packet = flows.packets[0]
      let record = sessions.find(packet, flows.addresses6[0])
      guard record != FlowTable.none else { return nil }
      let session = sessions.flows.memory[record]
      return TracedPass.Session(
        snapshot: sessions.snapshot(record), state: session.state,
        isExpired: sessions.isExpired(record, at: packet.time),
        isFromInitiator: (packet.key.side != 0) == session.flags.contains(.initiatorIsHigh))
    }
  }

  /// Tells the traces of a packet that went alone and has its final verdict.
  @inline(never)
  mutating func showTraced() {
    guard let traced else { return }
    var pass = traced.pass
    pass.final = outcome.verdicts[0]
    pass.bytesGrown = tally.bytesGrown
    // Beside it there may be what we send ourselves, and what has waited.
    if outcome.copyRequestCount > 0, pass.copy == nil {
      for index in 0..<outcome.copyCount where outcome.copies[index].origin == .copy {
        let copy = outcome.copies[index]
        pass.copy = TracedPass.Copy(
          outLIF: copy.outLIF, originalLength: copy.originalLength, failed: copy.failed)
        break
      }
    }
    for trace in traces where unsafe trace.wants(traced.packet, comesAgain: !pass.isBeginning) {
      // SAFETY: the bytes that it came with are there until the burst is over, whatever is sent for them.
      unsafe trace.keep(pass, traced.packet)
    }
    self.traced = nil
    isTraced = false
  }
}
