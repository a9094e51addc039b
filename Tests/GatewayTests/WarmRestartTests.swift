import Config
import Dataplane
import Foundation
import Gateway
import Testing

/// Daemons whose sessions lie in files. A copy of the files of one that runs is what a killed one leaves.
@Suite("Warm restart of a daemon", .serialized)
struct WarmRestartTests {
  private let root = "/dev/shm/sluice-test-\(UUID().uuidString)"

  private func daemon(_ directory: String, workers: Int = 1, capacity: Int = 3000) throws -> Daemon {
    let daemon = try Daemon(
      Configuration.parse(
        """
        workers: \(workers)
        capacity: \(capacity)
        prefault: false
        warm_restart: { directory: \(directory) }
        ports: [{ name: a, lif: 1 }, { name: b, lif: 2 }]
        """, file: "x.yaml"))
    try daemon.start()
    return daemon
  }

  private func requests(_ count: Int) -> [SessionRequest] {
    (0..<count).map { number in
      let isIPv6 = number % 3 == 0
      return SessionRequest(
        id: SessionID(number % 2 == 0 ? 0 : UInt64(number)), inLIF: LIF(number: 1), outLIF: LIF(number: 2),
        tuple: FiveTuple(
          source: isIPv6 ? IPAddress(ipv6High: 1, low: UInt64(number)) : IPAddress(ipv4: UInt32(number)),
          sourcePort: 9,
          destination: isIPv6 ? IPAddress(ipv6High: 2, low: 3) : IPAddress(ipv4: 0x0A00_0001),
          destinationPort: 80, transport: number % 5 == 0 ? .udp : .tcp),
        action: number % 7 == 0 ? .drop : .forward, cacheTimeout: UInt32(600 + number % 9))
    }
  }

  private func all(_ daemon: Daemon) async throws -> [SessionSnapshot] {
    var found: [SessionSnapshot] = []
    var cursor: UInt64?
    repeat {
      let page = try await daemon.sessions.list(.live, from: cursor, limit: 1000)
      found += page.sessions
      cursor = page.next
    } while cursor != nil
    return found.sorted { $0.id < $1.id }
  }

  private func copy(_ from: String, _ to: String) throws {
    try FileManager.default.createDirectory(
      atPath: to, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    for name in try FileManager.default.contentsOfDirectory(atPath: from) {
      try FileManager.default.copyItem(atPath: "\(from)/\(name)", toPath: "\(to)/\(name)")
    }
  }

  private func withRoot(_ body: () async throws -> Void) async throws {
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: root) }
    try await body()
  }

  @Test func `what a killed daemon leaves is all there, with any number of workers`() async throws {
    try await withRoot {
      var before: [SessionSnapshot] = []
      var directory = "\(root)/0"
      for (round, workers) in [1, 2, 1, 3, 3].enumerated() {
        let daemon = try daemon(directory, workers: workers)
        if round == 0 {
          let reply = await daemon.sessions.add(requests(2000), replacing: false)
          #expect(reply.outcomes.allSatisfy { $0.outcome == .added })
          before = try await all(daemon)
          #expect(before.count == 2000)
          #expect(daemon.warmRestart?.hasPrefix("nothing was there") == true)
        } else {
          let said = daemon.warmRestart ?? ""
          #expect(said.hasPrefix("2000 sessions are back after "), "\(said)")
          #expect(try await all(daemon) == before)
        }
        for session in before.prefix(50) {
          #expect(await daemon.sessions.session(session.id) == session)
        }
        try copy(directory, "\(root)/\(round + 1)")
        directory = "\(root)/\(round + 1)"
        daemon.stop()
      }
    }
  }

  @Test func `a daemon that is stopped and started goes on, and ids are new ones`() async throws {
    try await withRoot {
      let directory = "\(root)/state"
      var first: Daemon? = try daemon(directory)
      _ = await first?.sessions.add(requests(100), replacing: false)
      let before = try await all(#require(first))
      first?.stop()
      first = nil
      let second = try daemon(directory)
      #expect(try await all(second) == before)
      var more = Array(requests(120)[100...])
      for index in more.indices { more[index].id = .unassigned }
      let reply = await second.sessions.add(more, replacing: false)
      #expect(reply.outcomes.allSatisfy { $0.outcome == .added })
      #expect(Set(reply.outcomes.map(\.id)).isDisjoint(with: before.map(\.id)))
      second.stop()
    }
  }

  @Test func `too small a capacity is refused, and nothing is lost by it`() async throws {
    try await withRoot {
      let directory = "\(root)/state"
      do {
        let first = try daemon(directory)
        _ = await first.sessions.add(requests(100), replacing: false)
        first.stop()
      }
      let refusal = #expect(throws: DaemonError.self) { _ = try daemon(directory, capacity: 99) }
      #expect(refusal?.message.contains("has 100 sessions of an earlier process") == true)
      let second = try daemon(directory, capacity: 100)
      #expect(try await all(second).count == 100)
      second.stop()
    }
  }
}
