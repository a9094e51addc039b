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

  /// Calls `body` with sessions of `states` from record `cursor` on.
  ///
  /// - Parameters:
  ///   - scanning: the most records that are looked at, 1 or more.
  ///   - body: returns false to stop after this session.
  /// - Returns: where to go on; nil when all were seen. Each session that exists throughout is met once.
  package func forEach(
    from cursor: UInt32, of states: SessionStates = .live, scanning: Int = .max,
    _ body: (SessionSnapshot) -> Bool
  ) -> UInt32? {
    forEachRecord(from: cursor, of: states, scanning: scanning) { body(snapshot($0)) }
  }

  /// The same with records.
  func forEachRecord(
    from cursor: UInt32, of states: SessionStates, scanning: Int = .max, _ body: (UInt32) -> Bool
  ) -> UInt32? {
    var next = cursor
    var scanned = 0
    while let index = flows.firstTouched(from: next) {
      if scanned == scanning { return index }
      scanned += 1
      next = index + 1
      guard isListed(index, states) else { continue }
      if !body(index) { return next }
    }
    return nil
  }

  private func isListed(_ index: UInt32, _ states: SessionStates) -> Bool {
    flows.memory[index].kind != .none && states.contains(flows.memory[index].state)
  }

  /// A closed session that lingers in record `index`; nil when another one, or none, is there.
  package func lingering(_ index: UInt32, id: SessionID, start: PacketTime) -> SessionSnapshot? {
    guard flows.isTouched(index), flows.memory[index].kind != .none, flows.memory[index].state.isClosed,
      flows.memory[detail: index].id == id, flows.memory[detail: index].start == start.nanoseconds
    else { return nil }
    return snapshot(index)
  }
}

/// Which sessions a list has.
public struct SessionStates: OptionSet, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let established = SessionStates(rawValue: 1)
  public static let closing = SessionStates(rawValue: 2)
  /// Closed ones that linger.
  public static let lingering = SessionStates(rawValue: 4)
  public static let live: SessionStates = [.established, .closing]
  public static let all: SessionStates = [.live, .lingering]

  func contains(_ state: TrackState) -> Bool {
    contains(state.isClosed ? .lingering : state.isClosing ? .closing : .established)
  }
}
