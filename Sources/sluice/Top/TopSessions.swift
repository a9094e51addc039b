import ArgumentParser
import Dataplane

/// The busiest sessions between two readings.
struct TopSessions {
  /// Sessions that are looked at: so many take the daemon some 100 ms.
  static let most = 65_536

  enum Order: String, ExpressibleByArgument, CaseIterable, Sendable { case packets, bytes }

  private struct Entry {
    let session: SessionSnapshot
    let packets, bits: Double
  }

  /// The busiest first.
  private let entries: [Entry]

  init(_ now: TopReading, since earlier: TopReading, _ order: Order) {
    guard let interval = Interval(now.sessionsTime - earlier.sessionsTime) else {
      entries = []
      return
    }
    let before = Dictionary(
      earlier.sessions.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    let found = now.sessions.map { session in
      let old = before[session.id].flatMap { $0.start == session.start ? $0 : nil }
      return Entry(
        session: session,
        packets: interval.rate(
          session.inPackets &+ session.outPackets, (old?.inPackets ?? 0) &+ (old?.outPackets ?? 0)),
        bits: 8
          * interval.rate(session.inBytes &+ session.outBytes, (old?.inBytes ?? 0) &+ (old?.outBytes ?? 0)))
    }
    func busyness(_ entry: Entry) -> Double { order == .packets ? entry.packets : entry.bits }
    entries = found.sorted {
      (busyness($0), $1.session.id.rawValue) > (busyness($1), $0.session.id.rawValue)
    }
  }

  /// A table of the first `count`.
  func text(_ count: Int) -> String {
    let names = ["session", "protocol", "initiator", "responder", "action", "packets/s", "bits/s", "bytes"]
    var columns = Columns(names, rightAligned: 5..<8)
    return columns.table(
      entries.prefix(count).map { entry in
        SessionRows.cells(entry.session).prefix(5) + [
          Figures.scaled(entry.packets), Figures.scaled(entry.bits),
          Figures.bytes(entry.session.inBytes &+ entry.session.outBytes),
        ]
      })
  }

  /// Objects of the first `count`, with commas between them.
  func json(_ count: Int) -> String {
    entries.prefix(count).map { entry in
      SessionJSON.detailed(
        entry.session,
        before: "\"packets_per_second\":\(entry.packets),\"bits_per_second\":\(entry.bits),")
    }.joined(separator: ",")
  }
}
