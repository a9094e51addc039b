import Dataplane
import Gateway
import Testing

@Suite("Records of closed sessions")
struct ClosedSessionsTests {
  private let sample: SessionSnapshot

  /// Takes a snapshot from a table: only that makes them.
  init() throws {
    let secret = FlowSecret(1, 2, 3, 4)
    var table = try SessionTable.required(secret)
    let tuple = FiveTuple(
      source: IPAddress(ipv4: 1), sourcePort: 1, destination: IPAddress(ipv4: 2), destinationPort: 2,
      transport: .tcp)
    _ = table.add(
      SessionRequest(id: SessionID(1), tuple: tuple, action: .forward), replacing: false, at: .zero)
    let last = table.delete(SessionID(1), at: .zero)
    sample = try #require(last)
  }

  /// A record told apart by its count of packets.
  private func record(_ id: UInt64, _ number: UInt64 = 0) -> SessionSnapshot {
    var record = sample
    record.id = SessionID(id)
    record.inPackets = number
    return record
  }

  private func ids(_ closed: ClosedSessions, page: Int = .max) -> [UInt64] {
    var (ids, cursor): ([UInt64], UInt64?) = ([], 0)
    while let from = cursor {
      let page = closed.list(from: from, limit: page)
      ids += page.records.map(\.id.rawValue)
      cursor = page.next
    }
    return ids
  }

  @Test func `a record is kept until it is acknowledged, once`() {
    var closed = ClosedSessions(limit: 10)
    closed.append(record(7, 1))
    #expect(closed.record(of: SessionID(7)) == record(7, 1) && closed.count == 1)
    #expect(closed.acknowledge(SessionID(8)) == nil)
    #expect(closed.acknowledge(SessionID(7)) == record(7, 1))
    #expect(closed.acknowledge(SessionID(7)) == nil && closed.record(of: SessionID(7)) == nil)
    #expect(closed.count == 0 && closed.lost == 0 && ids(closed) == [])
  }

  @Test func `of several records of an id the newest is meant, all are listed`() {
    var closed = ClosedSessions(limit: 10)
    for number: UInt64 in 1...3 { closed.append(record(7, number)) }
    #expect(closed.list(from: 0, limit: 10).records.map(\.inPackets) == [1, 2, 3])
    for number: UInt64 in [3, 2, 1] {
      #expect(closed.record(of: SessionID(7)) == record(7, number))
      #expect(closed.acknowledge(SessionID(7)) == record(7, number))
    }
    #expect(closed.record(of: SessionID(7)) == nil && closed.count == 0)
  }

  @Test func `the oldest record makes room, and the loss is counted`() {
    var closed = ClosedSessions(limit: 3)
    for id: UInt64 in 1...5 { closed.append(record(id)) }
    #expect(ids(closed) == [3, 4, 5] && closed.lost == 2 && closed.record(of: SessionID(1)) == nil)
    // A gap is no loss: 4 was acknowledged.
    _ = closed.acknowledge(SessionID(4))
    closed.append(record(6))
    #expect(ids(closed) == [3, 5, 6] && closed.lost == 2)
    var none = ClosedSessions(limit: 0)
    none.append(record(1))
    #expect(none.count == 0 && none.lost == 1 && ids(none) == [])
  }

  @Test func `pages neither repeat nor leave out records when others come and go`() {
    var closed = ClosedSessions(limit: 1000)
    for id: UInt64 in 1...300 { closed.append(record(id)) }
    let page = closed.list(from: 0, limit: 100)
    #expect(page.records.map(\.id.rawValue) == Array(1...100) && page.next != nil)
    // So many go, the one that the next page begins with among them, that the gaps are closed.
    for id: UInt64 in 1...250 { _ = closed.acknowledge(SessionID(id)) }
    closed.append(record(301))
    let rest = closed.list(from: page.next ?? 0, limit: 100)
    #expect(rest.records.map(\.id.rawValue) == Array(251...301) && rest.next == nil)
    #expect(closed.list(from: .max, limit: 1).records.isEmpty)
  }

  /// The ids of a lease.
  private func lease(_ closed: inout ClosedSessions, _ limit: Int) -> [UInt64] {
    closed.lease(limit: limit).records.map(\.id.rawValue)
  }

  @Test func `what is leased is nobody else's until it is settled`() {
    var closed = ClosedSessions(limit: 4)
    for id: UInt64 in 1...4 { closed.append(record(id)) }
    let first = closed.lease(limit: 3)
    let second = lease(&closed, 3)
    #expect(first.records.map(\.id.rawValue) == [1, 2, 3] && second == [4])
    // Sent ones do not count towards the limit; acknowledged ones do not come back.
    for id: UInt64 in 5...8 { closed.append(record(id)) }
    let acknowledged = closed.acknowledge(SessionID(2))
    #expect(acknowledged == record(2) && closed.lost == 0)
    closed.settle(first.positions, sent: 1)
    #expect(closed.lost == 1 && ids(closed) == [4, 5, 6, 7, 8], "3 came back and was the oldest of five")
    let rest = lease(&closed, 10)
    #expect(rest == [5, 6, 7, 8] && closed.readyCount == 0 && closed.count == 5)
  }

  @Test func `a lingering session has its place at once and is final once`() {
    var closed = ClosedSessions(limit: 10)
    let place = ClosedSessions.Place(worker: 1, record: 7)
    closed.append(record(1, 1), lingeringAt: place)
    closed.append(record(2))
    let ready = lease(&closed, 9)
    #expect(ids(closed) == [1, 2] && ready == [2])
    let isLingering = closed.newest(of: SessionID(1))?.place == place
    let wasKnown = closed.finish(record(1, 5), lingeringAt: place)
    let final = closed.lease(limit: 9).records
    #expect(isLingering && wasKnown && final == [record(1, 5)] && closed.count == 2)
    // Acknowledged while it lingers: its end is not wanted. Never announced: its end is all there is.
    closed.append(record(3), lingeringAt: place)
    let acknowledged = closed.acknowledge(SessionID(3))
    let wasWanted = !closed.finish(record(3, 1), lingeringAt: place)
    #expect(acknowledged == record(3) && !wasWanted && closed.readyCount == 0)
    let wasAnnounced = closed.finish(record(4), lingeringAt: place)
    #expect(!wasAnnounced && closed.readyCount == 1)
  }

  @Test func `it does as a plain array would, whatever comes and goes`() {
    var random = SystemRandomNumberGenerator()
    for limit in [1, 2, 50, 400] {
      var closed = ClosedSessions(limit: limit)
      var (model, lost): ([SessionSnapshot], UInt64) = ([], 0)
      for number: UInt64 in 0..<5000 {
        let id = SessionID(.random(in: 1...200, using: &random))
        // Now mostly more, then mostly fewer.
        if Int.random(in: 0..<4, using: &random) < (number / 500 % 2 == 0 ? 3 : 1) {
          let new = record(id.rawValue, number)
          closed.append(new)
          model.append(new)
          if model.count > limit {
            model.removeFirst()
            lost += 1
          }
        } else {
          let place = model.lastIndex { $0.id == id }
          let isSame = closed.acknowledge(id) == place.map { model.remove(at: $0) }
          #expect(isSame)
        }
        let isKnown = closed.record(of: id) == model.last { $0.id == id }
        #expect(isKnown && closed.count == model.count && closed.lost == lost)
        if number % 100 == 0 { #expect(ids(closed, page: 7) == model.map(\.id.rawValue)) }
      }
    }
  }
}

extension SessionTable {
  fileprivate static func required(_ secret: FlowSecret) throws -> SessionTable {
    guard
      let table = SessionTable(
        recordCount: 1, worker: 0, capacity: SessionCapacity(limit: 1), secret: secret,
        timeouts: Timeouts(), isReporting: false, at: .zero)
    else { throw WorkerError.outOfMemory }
    return table
  }
}
