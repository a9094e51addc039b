import Dataplane
import Gateway
import PacketIO
import Testing

/// A naive dictionary of sessions beside a running service: does the same to both and compares.
final class ServiceModel {
  struct Session: Equatable {
    var number: Int
    var isSwapped: Bool
    var action: Action
    var timeout: UInt64
    var inPackets: UInt64 = 0
    var outPackets: UInt64 = 0
    var lastSeen: UInt64
    /// Tells sessions of one id apart.
    var serial: Int
    var deadline: UInt64 { lastSeen + timeout * SessionBed.second }
  }

  private let bed: SessionBed
  private var random: SplitMix64
  private let capacity: Int
  private var now = SessionBed.start
  private var live: [UInt64: Session] = [:]
  /// By id, oldest first: packets in and out, and the close code.
  private var closed: [UInt64: [(session: Session, code: CloseCode)]] = [:]
  private(set) var problems: [String] = []
  private var opened: UInt64 = 0
  private var ended: [CloseCode: UInt64] = [:]
  /// By tuple: the closed session that still counts late packets, and until when.
  private var lingering: [Int: (id: UInt64, serial: Int, end: UInt64)] = [:]
  private var lastSerial = 0
  /// In a table with few records lingering sessions have to make room at unforeseeable times.
  private let hasResets: Bool

  private static let ids = 40
  private static let tuples = 50

  init(workers: Int, capacity: Int, seed: UInt64) throws {
    bed = try SessionBed(workers: workers, capacity: capacity, retention: 100_000)
    self.capacity = capacity
    hasResets = capacity >= 100
    random = SplitMix64(state: seed)
  }

  func stop() { bed.stop() }

  private func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }

  func operate() async throws {
    switch below(20) {
    case 0..<6: await add()
    case 6..<8: await look()
    case 8..<11: await delete()
    case 11..<16: await sendPackets()
    case 16..<18: await pass(UInt64(below(4)))
    case 18: try await list()
    default: await lease()
    }
  }

  private func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
    if !holds { problems.append(what()) }
  }

  // MARK: Operations

  private func add() async {
    let replacing = below(2) == 0
    var requests: [SessionRequest] = []
    for _ in 0...below(12) {
      // Often what is there already.
      if below(4) == 0, let known = live.randomElement(using: &random) {
        requests.append(request(known.key, known.value.number, known.value.isSwapped))
      } else {
        requests.append(request(UInt64(below(Self.ids) + 1), below(Self.tuples), below(2) == 0))
      }
    }
    var planned = live
    let first = lastSerial
    var expected: [AddOutcome] = []
    for request in requests { expected.append(apply(request, replacing, &planned)) }
    let isFull = expected.contains(.added) && planned.count > capacity
    if isFull {
      expected = expected.map { $0 == .alreadyExists ? $0 : .tableFull }
    } else {
      opened += UInt64(expected.count { $0 == .added })
      for session in planned.values where session.serial >= first { lingering[session.number] = nil }
      live = planned
    }
    let reply = await bed.service.add(requests, replacing: replacing)
    expect(
      reply.isFull == isFull && reply.outcomes.map(\.outcome) == expected,
      "add \(requests) gave \(reply.outcomes.map(\.outcome)) \(reply.isFull), not \(expected) \(isFull)")
    expect(
      (reply.commitTime != nil) == expected.contains { $0 == .added || $0 == .replaced }, "commit time")
  }

  private func request(_ id: UInt64, _ number: Int, _ isSwapped: Bool) -> SessionRequest {
    var request = SessionBed.request(
      id, number, number % 2 == 0 ? .udp : .tcp, timeout: UInt32([3, 5, 20][below(3)]),
      action: below(2) == 0 ? .drop : .forward)
    if isSwapped { request.tuple = request.tuple.swapped }
    return request
  }

  private func apply(
    _ request: SessionRequest, _ replacing: Bool, _ sessions: inout [UInt64: Session]
  ) -> AddOutcome {
    let (number, isSwapped) = Self.number(of: request.tuple)
    let timeout = UInt64(request.cacheTimeout)
    if var known = sessions[request.id.rawValue] {
      guard replacing, known.number == number, known.isSwapped == isSwapped else { return .alreadyExists }
      known.action = request.action
      known.timeout = timeout
      if known.deadline <= now { known.lastSeen = now }
      sessions[request.id.rawValue] = known
      return .replaced
    }
    if sessions.values.contains(where: { $0.number == number }) { return .alreadyExists }
    sessions[request.id.rawValue] = Session(
      number: number, isSwapped: isSwapped, action: request.action, timeout: timeout, lastSeen: now,
      serial: lastSerial)
    lastSerial += 1
    return .added
  }

  private static func number(of tuple: FiveTuple) -> (Int, isSwapped: Bool) {
    let isSwapped = tuple.sourcePort == 53
    let near = isSwapped ? tuple.destination : tuple.source
    return (Int(near.ipv4Value - 0x0A00_0000), isSwapped)
  }

  private func look() async {
    let id = UInt64(below(Self.ids) + 1)
    let found = await bed.service.session(SessionID(id))
    compare(found, live[id].map { ($0, nil) } ?? closed[id]?.last.map { ($0.session, $0.code) }, "get \(id)")
  }

  private func delete() async {
    let id = UInt64(below(Self.ids) + 1)
    let found = await bed.service.delete(SessionID(id))
    if let session = live.removeValue(forKey: id) {
      ended[.notClosed, default: 0] += 1
      compare(found, (session, .notClosed), "delete \(id)")
    } else {
      compare(found, closed[id]?.popLast().map { ($0.session, $0.code) }, "acknowledge \(id)")
    }
  }

  private func compare(_ found: SessionSnapshot?, _ expected: (Session, CloseCode?)?, _ what: String) {
    guard let found, let expected else {
      expect(found == nil && expected == nil, "\(what): found \(found != nil), model \(expected != nil)")
      return
    }
    let (session, code) = expected
    expect(
      found.inPackets == session.inPackets && found.outPackets == session.outPackets
        && found.action == session.action && (found.state == .closed) == (code != nil)
        && found.closeCode == code ?? .notClosed,
      "\(what): \(found), model \(expected)")
  }

  private func sendPackets() async {
    if !live.values.contains(where: { $0.deadline <= now + 1_000_000 }) { now += 1_000_000 }
    var packets: [MemoryQueue.Packet] = []
    for _ in 0...below(10) {
      let number = below(Self.tuples)
      let isReset = hasResets && number % 2 == 1 && below(5) == 0
      let isBack = below(2) == 0
      var tuple = SessionBed.tuple(number, number % 2 == 0 ? .udp : .tcp)
      if isBack { tuple = tuple.swapped }
      // Numbers that make every reset plausible.
      packets.append(SessionBed.packet(tuple, at: now, flags: isReset ? [.rst, .ack] : .ack))
      note(number, isReset: isReset, isBack: isBack)
    }
    await bed.send(packets)
    // All workers have one time.
    await bed.pass(to: now)
  }

  private func note(_ number: Int, isReset: Bool, isBack: Bool) {
    guard let (id, known) = live.first(where: { $0.value.number == number }) else {
      // A late packet of the session that lingers.
      guard let (id, serial, _) = lingering[number],
        let index = closed[id]?.firstIndex(where: { $0.session.serial == serial })
      else { return }
      if var late = closed[id]?[index].session {
        count(&late, isBack)
        closed[id]?[index].session = late
      }
      return
    }
    var session = known
    count(&session, isBack)
    session.lastSeen = now
    live[id] = session
    guard isReset else { return }
    live[id] = nil
    ended[.reset, default: 0] += 1
    closed[id, default: []].append((session, .reset))
    lingering[number] = (id, session.serial, now + min(10, session.timeout) * SessionBed.second)
  }

  private func count(_ session: inout Session, _ isBack: Bool) {
    if isBack == session.isSwapped { session.inPackets += 1 } else { session.outPackets += 1 }
  }

  /// Lets time pass until no session is about to end within the timers' precision.
  private func pass(_ seconds: UInt64) async {
    now += seconds * SessionBed.second
    repeat {
      now += 200_000_000
    } while isDoubtful(live.values.map(\.deadline) + lingering.values.map(\.end))
    lingering = lingering.filter { $0.value.end > now }
    await bed.pass(to: now)
    // Once more, for what the wheel holds back a tick.
    await bed.pass(to: now)
    for (id, session) in live where session.deadline <= now {
      live[id] = nil
      ended[.timeout, default: 0] += 1
      closed[id, default: []].append((session, .timeout))
    }
  }

  /// Whether one of these times has come so lately that the timers may not have noticed.
  private func isDoubtful(_ times: [UInt64]) -> Bool {
    times.contains { $0 <= now && $0 + 200_000_000 > now }
  }

  private func list() async throws {
    let all = try await bed.service.all(.live, page: 1 + below(9))
    expect(Set(all.map(\.id.rawValue)) == Set(live.keys) && all.count == live.count, "live list")
    for session in all { compare(session, live[session.id.rawValue].map { ($0, nil) }, "listed") }
    // Taken up when a worker has answered after it has reported.
    let ended = try await bed.service.all(.closed, page: 1 + below(9))
    let expected = closed.flatMap { id, records in
      records.map { "\(id) \($0.session.inPackets) \($0.session.outPackets) \($0.code)" }
    }
    let found = ended.map { "\($0.id) \($0.inPackets) \($0.outPackets) \($0.closeCode)" }
    expect(found.sorted() == expected.sorted(), "closed list \(found.sorted()), model \(expected.sorted())")
  }

  private func lease() async {
    let lease = bed.service.leaseClosed(limit: 1 + below(5))
    let sent = below(lease.records.count + 1)
    bed.service.settle(lease, sent: sent)
    for record in lease.records.prefix(sent) {
      let id = record.id.rawValue
      let position = closed[id]?.firstIndex {
        $0.session.inPackets == record.inPackets && $0.session.outPackets == record.outPackets
          && $0.code == record.closeCode && $0.session.lastSeen == record.lastSeen.nanoseconds
      }
      guard let position else {
        problems.append("leased \(record)")
        continue
      }
      closed[id]?.remove(at: position)
    }
  }

  /// The equations at the end.
  func finish() async throws {
    try await list()
    let codes: [(CloseCode, Counter)] = [
      (.notClosed, .sessionsDeleted), (.reset, .closedRST), (.timeout, .closedTimeout),
      (.finACK, .closedFINACK),
    ]
    for (code, counter) in codes {
      expect(bed.group.total(counter) == ended[code, default: 0], "\(code): \(bed.group.total(counter))")
    }
    expect(bed.group.total(.sessionsOpened) == opened, "opened")
    expect(bed.group.total(.liveSessions) == UInt64(live.count), "live")
    expect(bed.group.setup.capacity.count == live.count, "capacity")
  }
}

/// Steele, Lea and Flood 2014.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
