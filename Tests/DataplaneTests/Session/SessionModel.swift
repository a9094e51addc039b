import Dataplane

/// A session as the naive model keeps it. What belongs to an end is indexed by it: 0 sent the first packet
/// or is the source of the request.
struct ModelSession {
  enum State { case synSent, synReceived, established, closing1, closing2, closed }

  var id: SessionID
  /// As end 0 sends it.
  var tuple: FiveTuple
  var initiator = 0
  /// By end: where its packets arrive.
  var lifs: [LIF]
  var action: Action
  var isLearned: Bool
  var state: State
  var code = CloseCode.notClosed
  var packets: [UInt64] = [0, 0]
  var bytes: [UInt64] = [0, 0]
  var start: UInt64
  var lastSeen: UInt64
  /// Seconds.
  var idle: UInt64
  var handshake: UInt64
  // What TCP tracking remembers, by end.
  var acknowledged: [UInt32?] = [nil, nil]
  var window: [UInt32] = [0, 0]
  /// The tests' SYNs have no window scale option: after one neither side scales, before any perhaps by 14.
  var sawSYN = false
  var finSender = 0
  var finEnd: UInt32 = 0

  var isClosed: Bool { state == .closed }

  /// Nanoseconds.
  var deadline: UInt64 {
    let seconds: UInt64 =
      switch state {
      case .synSent, .synReceived: handshake
      case .established: idle
      case .closing1, .closing2, .closed: min(10, idle)
      }
    return lastSeen + seconds * SessionBench.second
  }

  func isOver(at time: UInt64) -> Bool { time >= deadline }

  /// Which end sends packets of `tuple`; nil when it is not the session's.
  func end(of tuple: FiveTuple) -> Int? {
    tuple == self.tuple ? 0 : tuple == self.tuple.swapped ? 1 : nil
  }

  /// What a snapshot of it must show; `ending` with what it ends when it has not closed by itself.
  func seen(ending: (code: CloseCode, time: UInt64)? = nil) -> SeenSession {
    let shown: SessionState =
      switch state {
      case .synSent, .synReceived, .established: .established
      case .closing1: .closing1
      case .closing2: .closing2
      case .closed: .closed
      }
    return SeenSession(
      id: id, tuple: initiator == 0 ? tuple : tuple.swapped, inLIF: lifs[initiator],
      outLIF: lifs[1 - initiator],
      action: action, isLearned: isLearned, state: ending == nil ? shown : .closed,
      code: ending?.code ?? code, inPackets: packets[initiator], outPackets: packets[1 - initiator],
      inBytes: bytes[initiator], outBytes: bytes[1 - initiator], start: start,
      end: ending?.time ?? (isClosed ? lastSeen : 0))
  }
}

/// What can be compared of a snapshot.
struct SeenSession: Hashable {
  var id: SessionID
  var tuple: FiveTuple
  var inLIF: LIF
  var outLIF: LIF
  var action: Action
  var isLearned: Bool
  var state: SessionState
  var code: CloseCode
  var inPackets: UInt64
  var outPackets: UInt64
  var inBytes: UInt64
  var outBytes: UInt64
  var start: UInt64
  /// 0 for a session that has not ended.
  var end: UInt64
}

extension SeenSession {
  init(_ snapshot: SessionSnapshot) {
    self.init(
      id: snapshot.id, tuple: snapshot.tuple, inLIF: snapshot.inLIF, outLIF: snapshot.outLIF,
      action: snapshot.action, isLearned: snapshot.isLearned, state: snapshot.state, code: snapshot.closeCode,
      inPackets: snapshot.inPackets, outPackets: snapshot.outPackets, inBytes: snapshot.inBytes,
      outBytes: snapshot.outBytes, start: snapshot.start.nanoseconds,
      end: snapshot.state == .closed ? snapshot.end.nanoseconds : 0)
  }
}

extension FiveTuple {
  var swapped: FiveTuple {
    FiveTuple(
      source: destination, sourcePort: destinationPort, destination: source, destinationPort: sourcePort,
      transport: transport)
  }
}

// MARK: TCP, by kind of segment

extension ModelSession {
  /// Takes a segment from `end` as semantics 2.2.4 and design decision 9 say.
  ///
  /// - Returns: the code with which the session ends for the sake of a new connection; else nil.
  mutating func follow(_ packet: SessionPacket, from end: Int) -> CloseCode? {
    let flags = packet.flags
    let isRST = flags.contains(.rst)
    let isFIN = flags.contains(.fin)
    if flags.contains(.syn) {
      if isRST || isFIN { return nil }
      return followSYN(packet, from: end)
    }
    guard flags.contains(.ack) || isRST || isFIN else { return nil }
    let covers = flags.contains(.ack) && Int32(bitPattern: packet.acknowledgment &- finEnd) >= 0
    if isRST {
      guard isBelieved(packet.sequence, from: end) else { return nil }
      note(packet, from: end)
      if !isClosed { close(.reset, at: packet.time.nanoseconds) }
      return nil
    }
    if isFIN {
      let place = packet.sequence &+ packet.payloadLength
      let believed = isBelieved(place, from: end)
      if believed { note(packet, from: end) }
      switch state {
      case .closing2:
        if covers, end != finSender { close(.finACK, at: packet.time.nanoseconds) }
      case .closing1:
        if end != finSender, believed { finish(.closing2, place, end, packet.time.nanoseconds) }
      case .closed: break
      default:
        if believed { finish(.closing1, place, end, packet.time.nanoseconds) }
      }
      return nil
    }
    note(packet, from: end)
    if state == .synReceived, end == initiator { state = .established }
    if state == .closing2, end != finSender, covers { close(.finACK, at: packet.time.nanoseconds) }
    return nil
  }

  private mutating func followSYN(_ packet: SessionPacket, from end: Int) -> CloseCode? {
    if !packet.flags.contains(.ack) {
      switch state {
      case .closing1: return .timeout
      case .closing2: return .finACK
      case .closed: return code
      default: break
      }
    }
    sawSYN = true
    window[end] = max(window[end], UInt32(packet.window))
    if packet.flags.contains(.ack) { note(packet, from: end) }
    if state == .synSent {
      if end != initiator { state = .synReceived }
    } else if state == .synReceived, packet.flags.contains(.ack), end == initiator {
      state = .established
    }
    return nil
  }

  private mutating func note(_ packet: SessionPacket, from end: Int) {
    guard packet.flags.contains(.ack) else { return }
    if let highest = acknowledged[end], Int32(bitPattern: packet.acknowledgment &- highest) <= 0 {
      // Not higher.
    } else {
      acknowledged[end] = packet.acknowledgment
    }
    window[end] = max(window[end], UInt32(packet.window))
  }

  private func isBelieved(_ place: UInt32, from end: Int) -> Bool {
    guard let base = acknowledged[1 - end] else { return true }
    return UInt64(place &- base) <= UInt64(window[1 - end]) << (sawSYN ? 0 : 14)
  }

  private mutating func finish(_ next: State, _ place: UInt32, _ end: Int, _ time: UInt64) {
    state = next
    finSender = end
    finEnd = place &+ 1
    lastSeen = max(lastSeen, time)
  }

  private mutating func close(_ code: CloseCode, at time: UInt64) {
    state = .closed
    self.code = code
    lastSeen = time
  }

  /// Counts the packet, after `follow`.
  mutating func count(_ packet: SessionPacket, from end: Int) {
    packets[end] += 1
    bytes[end] += UInt64(packet.bytes)
    if !isClosed { lastSeen = max(lastSeen, packet.time.nanoseconds) }
  }
}
