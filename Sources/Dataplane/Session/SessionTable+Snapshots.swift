extension SessionTable {
  /// Session `index` as it is.
  package func snapshot(_ index: UInt32) -> SessionSnapshot {
    let record = flows.memory[index]
    let state: SessionState =
      switch record.state {
      case .synSent, .synReceived, .established: .established
      case .closing1: .closing1
      case .closing2: .closing2
      case .closed: .closed
      }
    let code: CloseCode =
      !record.state.isClosed ? .notClosed : record.flags.contains(.closedByReset) ? .reset : .finACK
    return snapshot(index, state: state, code: code, end: PacketTime(nanoseconds: record.lastSeen))
  }

  /// Session `index` as it ends with `code`; `.notClosed` is the code of a deleted one.
  func snapshot(_ index: UInt32, ending code: CloseCode, at time: PacketTime) -> SessionSnapshot {
    snapshot(index, state: .closed, code: code, end: time)
  }

  private func snapshot(
    _ index: UInt32, state: SessionState, code: CloseCode, end: PacketTime
  ) -> SessionSnapshot {
    let record = flows.memory[index]
    let detail = flows.memory[detail: index]
    let policy = policies[record.policy]
    let lowPackets = UInt64(detail.lowPacketsCarry) << 32 | UInt64(record.low.packets)
    let highPackets = UInt64(detail.highPacketsCarry) << 32 | UInt64(record.high.packets)
    let isHigh = record.flags.contains(.initiatorIsHigh)
    return SessionSnapshot(
      id: detail.id, tuple: tuple(index), inLIF: policy.inLIF, outLIF: policy.outLIF,
      action: policy.action, isLearned: record.flags.contains(.isLearned), state: state, closeCode: code,
      inPackets: isHigh ? highPackets : lowPackets, outPackets: isHigh ? lowPackets : highPackets,
      inBytes: isHigh ? record.high.bytes : record.low.bytes,
      outBytes: isHigh ? record.low.bytes : record.high.bytes,
      start: PacketTime(nanoseconds: detail.start), end: end,
      lastSeen: PacketTime(nanoseconds: record.lastSeen))
  }

  /// The tuple of session `index` as its initiator sends it.
  func tuple(_ index: UInt32) -> FiveTuple {
    let record = flows.memory[index]
    let low: IPAddress
    let high: IPAddress
    if record.kind.isIPv6 {
      let addresses = flows.memory[addresses6: index]
      low = IPAddress(ipv6High: addresses.lowHigh, low: addresses.lowLow)
      high = IPAddress(ipv6High: addresses.highHigh, low: addresses.highLow)
    } else {
      low = IPAddress(ipv4: UInt32(bigEndian: UInt32(truncatingIfNeeded: record.addresses)))
      high = IPAddress(ipv4: UInt32(bigEndian: UInt32(truncatingIfNeeded: record.addresses >> 32)))
    }
    let lowPort = UInt16(bigEndian: UInt16(truncatingIfNeeded: record.ports))
    let highPort = UInt16(bigEndian: UInt16(truncatingIfNeeded: record.ports >> 16))
    let isHigh = record.flags.contains(.initiatorIsHigh)
    return FiveTuple(
      source: isHigh ? high : low, sourcePort: isHigh ? highPort : lowPort,
      destination: isHigh ? low : high, destinationPort: isHigh ? lowPort : highPort,
      transport: record.kind.isTCP ? .tcp : .udp)
  }

  /// Calls `body` with live sessions (and lingering ones on request) from record `cursor` on.
  ///
  /// - Parameter body: returns false to stop after this session.
  /// - Returns: where to go on; nil when all were seen. Each session that exists throughout is met once.
  package func forEach(
    from cursor: UInt32, includingClosed: Bool = false, _ body: (SessionSnapshot) -> Bool
  ) -> UInt32? {
    var next = cursor
    while let index = flows.firstTouched(from: next) {
      next = index + 1
      let record = flows.memory[index]
      guard record.kind != .none, includingClosed || !record.state.isClosed else { continue }
      if !body(snapshot(index)) { return next }
    }
    return nil
  }
}
