import Synchronization

extension SessionTable {
  /// Counts a packet into session `index` and lets it move the session's state.
  ///
  /// - Returns: false when the packet is a SYN that starts a new connection on the tuple: the session has
  ///   ended, the packet is not counted and is to be treated as one without session.
  package mutating func accept(_ packet: SessionPacket, into index: UInt32) -> Bool {
    if packet.hasTCPFields {
      if flows.memory[index].state == .established, packet.flags.isOrdinary {
        noteAcknowledgment(packet, index)
      } else {
        return acceptDeciding(packet, into: index)
      }
    }
    count(packet, index)
    return true
  }

  /// The same for a segment that may change the state. One that closes the session is told of with that
  /// segment counted.
  private mutating func acceptDeciding(_ packet: SessionPacket, into index: UInt32) -> Bool {
    let wasClosed = flows.memory[index].state.isClosed
    guard track(packet, index) else { return false }
    count(packet, index)
    if !wasClosed, flows.memory[index].state.isClosed { noteClosing(index) }
    return true
  }

  /// Counts a packet and renews the idle time; closed sessions count without renewing.
  private mutating func count(_ packet: SessionPacket, _ index: UInt32) {
    let line = flows.memory.line(index)
    if line.count(side: packet.key.side, bytes: packet.bytes) {
      flows.memory[detail: index].carry(packet.key.side)
    }
    if !line.value.state.isClosed { line.renew(to: packet.time.nanoseconds) }
  }

  private func noteAcknowledgment(_ packet: SessionPacket, _ index: UInt32) {
    guard packet.flags.contains(.ack) else { return }
    flows.memory.line(index).note(
      acknowledgment: packet.acknowledgment, window: packet.window, side: packet.key.side)
  }

  /// Runs the state table on a segment that may change the state.
  ///
  /// - Returns: false when the packet starts a new connection and the session has ended.
  private mutating func track(_ packet: SessionPacket, _ index: UInt32) -> Bool {
    let state = flows.memory[index].state
    let input = input(packet, index)
    let transition = TCPTracking.transition(from: state, on: input)
    if case .reopen = transition {
      // FINACK if both FINs were seen, else TIMEOUT; a closed session keeps its code.
      if state.isClosed {
        forget(index)
      } else {
        end(index, state == .closing2 ? .finACK : .timeout, at: packet.time)
      }
      return false
    }
    if input.segment == .syn || input.segment == .synACK {
      noteSYN(packet, index)
    } else if input.segment != .nonsense, input.isPlausible {
      noteAcknowledgment(packet, index)
    }
    apply(transition, packet, index)
    return true
  }

  private mutating func apply(_ transition: TCPTracking.Transition, _ packet: SessionPacket, _ index: UInt32)
  {
    switch transition {
    case .stay, .reopen: break
    case .enter(let state):
      flows.memory[index].state = state
    case .closing(let state):
      flows.memory[detail: index].finEnd = packet.sequence &+ packet.payloadLength &+ 1
      if packet.key.side != 0 {
        flows.memory[index].flags.insert(.finFromHigh)
      } else {
        flows.memory[index].flags.remove(.finFromHigh)
      }
      // A process killed here leaves no state whose FIN is not known.
      atomicMemoryFence(ordering: .releasing)
      flows.memory[index].state = state
      flows.memory.line(index).renew(to: packet.time.nanoseconds)
      rearm(index)
    case .closed(let code):
      close(index, code, at: packet.time)
    case .implausible(let what):
      totals.count(what)
    }
  }

  private func input(_ packet: SessionPacket, _ index: UInt32) -> TCPTracking.Input {
    let record = flows.memory[index]
    let isFromHigh = packet.key.side != 0
    let segment = TCPTracking.Segment(packet.flags)
    let isFromFINSender = isFromHigh == record.flags.contains(.finFromHigh)
    let covers =
      packet.flags.contains(.ack)
      && TCPTracking.isAtOrAfter(packet.acknowledgment, flows.memory[detail: index].finEnd)
    return TCPTracking.Input(
      segment: segment,
      isFromInitiator: isFromHigh == record.flags.contains(.initiatorIsHigh),
      isFromFINSender: isFromFINSender,
      isPlausible: isPlausible(packet, segment, record, index),
      coversFIN: covers,
      isFirst: record.low.packets == 0 && record.high.packets == 0)
  }

  /// docs/tcp-tracking.md: a FIN or RST counts if its sender's sequence is unknown, or if it equals the
  /// highest ACK seen from the other side or lies within that ACK plus the largest window seen.
  private func isPlausible(
    _ packet: SessionPacket, _ segment: TCPTracking.Segment, _ record: SessionRecord, _ index: UInt32
  ) -> Bool {
    guard segment == .fin || segment == .rst else { return true }
    let other = packet.key.side ^ 1
    guard record.flags.contains(other == 0 ? .lowAcked : .highAcked) else { return true }
    let line = flows.memory.line(index)
    let window = UInt32(line.window(side: other)) << scale(record, of: other)
    // A FIN stands behind its segment's data.
    let position = segment == .fin ? packet.sequence &+ packet.payloadLength : packet.sequence
    return TCPTracking.isWithin(
      position, acknowledged: line.side(other).acknowledged, window: window)
  }

  // MARK: Window scale, RFC 7323 §2

  /// The largest shift that RFC 7323 §2.3 allows, assumed of connections whose SYN we did not see: a
  /// genuine FIN must not be taken for a forged one.
  private static var largestScale: UInt8 { 14 }
  private static var unknownScale: UInt8 { 15 }

  /// The four bits of `side`: a shift, or `unknownScale`.
  private func storedScale(_ record: SessionRecord, of side: UInt8) -> UInt8 {
    side == 0 ? record.windowScales & 15 : record.windowScales >> 4
  }

  private func scale(_ record: SessionRecord, of side: UInt8) -> UInt32 {
    let scale = storedScale(record, of: side)
    return UInt32(scale == Self.unknownScale ? Self.largestScale : scale)
  }

  /// A SYN tells its sender's window scale and, with ACK, where the other side's numbers begin.
  private func noteSYN(_ packet: SessionPacket, _ index: UInt32) {
    let side = packet.key.side
    let seen: SessionFlags = side == 0 ? .lowSYN : .highSYN
    // Options that the capture cut off leave the scale unknown.
    if !flows.memory[index].flags.contains(seen), packet.windowScaleOption != SessionPacket.cutWindowScale {
      flows.memory[index].flags.insert(seen)
      noteScale(packet.windowScale, index, side)
    }
    // A SYN's own window is never scaled: kept in the scaled unit, rounded up.
    let shift = scale(flows.memory[index], of: side)
    var scaled = packet
    scaled.window = UInt16(truncatingIfNeeded: (UInt32(packet.window) + (1 << shift) - 1) >> shift)
    noteAcknowledgment(scaled, index)
    let line = flows.memory.line(index)
    line.setWindow(max(scaled.window, line.window(side: side)), side: side)
  }

  /// Stores what the first SYN of `side` announces. Unless both SYNs have the option neither side scales.
  private func noteScale(_ announced: UInt8?, _ index: UInt32, _ side: UInt8) {
    let record = flows.memory[index]
    if let announced {
      // Known already: 0, as the other side's SYN was without the option.
      guard storedScale(record, of: side) == Self.unknownScale else { return }
      let others = side == 0 ? record.windowScales & 0xF0 : record.windowScales & 0x0F
      flows.memory[index].windowScales = others | (side == 0 ? announced : announced << 4)
      return
    }
    let other = side ^ 1
    let shift = storedScale(record, of: other)
    if shift != Self.unknownScale {
      let bytes = UInt32(flows.memory.line(index).window(side: other)) << UInt32(shift)
      flows.memory.line(index).setWindow(UInt16(clamping: bytes), side: other)
    }
    flows.memory[index].windowScales = 0
  }
}

extension TCPFlags {
  /// Neither opens nor closes: ACK set, and no SYN, FIN or RST.
  @inline(__always) package var isOrdinary: Bool { rawValue & Self.deciding == TCPFlags.ack.rawValue }

  /// The flags that decide about it.
  @inline(__always) package static var deciding: UInt8 {
    TCPFlags.syn.rawValue | TCPFlags.fin.rawValue | TCPFlags.rst.rawValue | TCPFlags.ack.rawValue
  }
}
