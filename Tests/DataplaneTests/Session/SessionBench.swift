import Dataplane

/// One session table with what a test needs around it: packets, requests, time. A class, so that
/// expectations can look into it.
final class SessionBench {
  static let second: UInt64 = 1_000_000_000
  static let secret = FlowSecret(0x1111_2222_3333_4444, 0x5555_6666_7777_8888, 0x9999, 0xAAAA)
  /// Late enough that tests can go back in time.
  static let start: UInt64 = 1_700_000_000 * second

  var table: SessionTable
  let capacity: SessionCapacity
  let learnedTCP: UInt32
  let learnedUDP: UInt32
  /// Nanoseconds; moved by tests.
  var now = SessionBench.start

  init(
    records: UInt32 = 64, capacity: SessionCapacity = SessionCapacity(limit: 64), worker: UInt32 = 0,
    learnedLIFs: (LIF, LIF) = (.any, .any)
  ) throws {
    let timeouts = Timeouts()
    self.capacity = capacity
    table = try required(
      SessionTable(
        recordCount: records, worker: worker, capacity: capacity, secret: Self.secret, timeouts: timeouts,
        isReporting: true, at: PacketTime(nanoseconds: Self.start)))
    func learned(_ table: inout SessionTable, idle: UInt32, handshake: UInt32) throws -> UInt32 {
      try required(
        table.policies.acquire(
          SessionPolicy(
            inLIF: learnedLIFs.0, outLIF: learnedLIFs.1, action: .forward, nextHop: nil, idle: idle,
            handshake: handshake, timeouts: timeouts)))
    }
    learnedTCP = try learned(&table, idle: timeouts.learnedTCP, handshake: timeouts.learnedHandshake)
    learnedUDP = try learned(&table, idle: timeouts.learnedUDP, handshake: timeouts.learnedUDP)
  }

  var time: PacketTime { PacketTime(nanoseconds: now) }
  func wait(_ seconds: Double) { now += UInt64(seconds * Double(Self.second)) }

  /// What a packet did.
  enum Fate: Equatable {
    case hit(UInt32)
    case learned(UInt32)
    case miss
  }

  /// Takes a packet the way the worker does.
  @discardableResult
  func send(_ packet: SessionPacket, _ addresses6: FlowAddresses6 = FlowAddresses6(), learns: Bool = true)
    -> Fate
  {
    var index = table.find(packet, addresses6)
    if index != FlowTable.none, table.isExpired(index, at: packet.time) {
      table.expire(index)
      index = FlowTable.none
    }
    if index != FlowTable.none, table.accept(packet, into: index) { return .hit(index) }
    guard learns else { return .miss }
    let policy = packet.key.kind.isTCP ? learnedTCP : learnedUDP
    index = table.learn(packet, addresses6, policy: policy)
    guard index != FlowTable.none else { return .miss }
    _ = table.accept(packet, into: index)
    return .learned(index)
  }

  @discardableResult
  func add(_ request: SessionRequest, replacing: Bool = false) -> AddOutcome {
    table.add(request, replacing: replacing, at: time).outcome
  }

  func find(_ id: UInt64) -> SessionSnapshot? { table.find(SessionID(id), at: time) }
  func delete(_ id: UInt64) -> SessionSnapshot? { table.delete(SessionID(id), at: time) }
  func snapshot(_ index: UInt32) -> SessionSnapshot { table.snapshot(index) }
  func state(_ index: UInt32) -> TrackState { table.flows.memory[index].state }

  /// Ends everything that is due now.
  func expire() { while !table.expire(at: time, isExact: true) { _ = takeEnded() } }

  /// Expiry as the worker asks for it while it runs; whether everything due was looked at.
  func expireOnce() -> Bool { table.expire(at: time) }

  /// The sessions that ended since the last call.
  func takeEnded() -> [SessionSnapshot] {
    let ended = (0..<table.ended.count).map { table.ended[$0].session }
    table.ended.removeAll()
    return ended
  }

  var problems: [String] { table.checkInvariants(keptPolicies: [learnedTCP, learnedUDP]) }
  var totals: SessionTotals { table.totals }
  var live: Int { table.live }
  var lingering: Int { table.lingering }

  func list(includingClosed: Bool = false) -> [SessionSnapshot] {
    var all: [SessionSnapshot] = []
    _ = table.forEach(from: 0, of: includingClosed ? .all : .live) {
      all.append($0)
      return true
    }
    return all
  }
}

/// The two ends of a test's connection, and packets between them.
struct Ends {
  var client: UInt32 = 0x0A00_0001
  var clientPort: UInt16 = 40_000
  var server: UInt32 = 0xC0A8_0001
  var serverPort: UInt16 = 80
  var transport: SessionProtocol = .tcp

  /// As the client sends it.
  var tuple: FiveTuple {
    FiveTuple(
      source: IPAddress(ipv4: client), sourcePort: clientPort, destination: IPAddress(ipv4: server),
      destinationPort: serverPort, transport: transport)
  }

  /// As the server sends it.
  var swapped: FiveTuple {
    FiveTuple(
      source: IPAddress(ipv4: server), sourcePort: serverPort, destination: IPAddress(ipv4: client),
      destinationPort: clientPort, transport: transport)
  }

  /// A segment from the client, or with `back` from the server.
  func packet(
    back: Bool = false, _ flags: TCPFlags = .ack, sequence: UInt32 = 0, acknowledgment: UInt32 = 0,
    payload: UInt32 = 0, window: UInt16 = 1000, scale: UInt8? = nil, bytes: UInt32 = 100,
    lif: LIF = LIF(number: 1),
    at time: UInt64
  ) -> SessionPacket {
    var packet = SessionPacket.empty
    var addresses6 = FlowAddresses6()
    packet.key = FlowKey(back ? swapped : tuple, secret: SessionBench.secret, addresses6: &addresses6)
    packet.time = PacketTime(nanoseconds: time)
    packet.lif = lif
    packet.bytes = bytes
    guard transport == .tcp else { return packet }
    packet.sequence = sequence
    packet.acknowledgment = acknowledgment
    packet.payloadLength = payload
    packet.flags = flags
    packet.hasTCPFields = true
    packet.window = window
    packet.windowScaleOption = scale ?? SessionPacket.noWindowScale
    return packet
  }

  func request(
    _ id: UInt64, in inLIF: LIF = .any, out outLIF: LIF = .any, swapped isSwapped: Bool = false,
    action: Action = .forward, timeout: UInt32 = 10
  ) -> SessionRequest {
    SessionRequest(
      id: SessionID(id), inLIF: inLIF, outLIF: outLIF, tuple: isSwapped ? swapped : tuple, action: action,
      cacheTimeout: timeout)
  }
}

extension SessionBench {
  /// A segment of the default connection from the client, now.
  @discardableResult
  func client(
    _ flags: TCPFlags, _ sequence: UInt32 = 0, _ acknowledgment: UInt32 = 0, payload: UInt32 = 0,
    window: UInt16 = 1000, scale: UInt8? = nil
  ) -> Fate {
    send(
      Ends().packet(
        flags, sequence: sequence, acknowledgment: acknowledgment, payload: payload, window: window,
        scale: scale, at: now))
  }

  /// A segment of the default connection from the server, now.
  @discardableResult
  func server(
    _ flags: TCPFlags, _ sequence: UInt32 = 0, _ acknowledgment: UInt32 = 0, payload: UInt32 = 0,
    window: UInt16 = 1000, scale: UInt8? = nil
  ) -> Fate {
    send(
      Ends().packet(
        back: true, flags, sequence: sequence, acknowledgment: acknowledgment, payload: payload,
        window: window, scale: scale, at: now))
  }

  /// A handshake of the default connection; numbers go on at 101 (client) and 501 (server).
  func shakeHands(
    clientNumber: UInt32 = 100, serverNumber: UInt32 = 500, window: UInt16 = 1000,
    scales: (UInt8?, UInt8?) = (nil, nil)
  ) -> UInt32 {
    let fate = client(.syn, clientNumber, window: window, scale: scales.0)
    server([.syn, .ack], serverNumber, clientNumber &+ 1, window: window, scale: scales.1)
    client(.ack, clientNumber &+ 1, serverNumber &+ 1, window: window)
    guard case .learned(let index) = fate else { return FlowTable.none }
    return index
  }
}
