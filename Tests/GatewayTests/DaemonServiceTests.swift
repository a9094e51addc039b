import Config
import Dataplane
import Foundation
import Gateway
import Testing

@Suite("Daemon with sessions", .serialized)
struct DaemonServiceTests {
  private func daemon(_ text: String) throws -> Daemon {
    let daemon = try Daemon(Configuration.parse(text, file: "x.yaml"))
    try daemon.start()
    return daemon
  }

  private func wait(seconds: Double = 10, until holds: () -> Bool) async throws -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    while !holds() {
      guard clock.now < end else { return false }
      try await Task.sleep(for: .milliseconds(1))
    }
    return true
  }

  private func request(_ number: UInt16, timeout: UInt32) -> SessionRequest {
    SessionRequest(
      id: SessionID(UInt64(number)), inLIF: LIF(number: 1), outLIF: LIF(number: 2),
      tuple: FiveTuple(
        source: IPAddress(ipv4: 0xC000_0201), sourcePort: number, destination: IPAddress(ipv4: 0xC000_0202),
        destinationPort: 80, transport: .udp), action: .forward, cacheTimeout: timeout)
  }

  @Test func `a session that is added times out in real time`() async throws {
    let daemon = try daemon("ports: [{ name: a, lif: 1 }, { name: b, lif: 2 }]")
    let before = daemon.sessions.wallTime(daemon.sessions.now)
    let reply = await daemon.sessions.add(
      [request(1, timeout: 1), request(2, timeout: 80_000)], replacing: false)
    #expect(reply.outcomes.map(\.outcome) == [.added, .added])
    #expect((reply.commitTime ?? 0) >= before && before >= daemon.startTime)
    #expect(await daemon.sessions.session(SessionID(2))?.state == .established)
    #expect(try await wait(seconds: 20) { daemon.total(.closedTimeout) == 1 })
    #expect(try await wait { daemon.sessions.closedStatus.retained == 1 })
    let closed = try #require(await daemon.sessions.session(SessionID(1)))
    #expect(closed.state == .closed && closed.closeCode == .timeout)
    #expect(daemon.total(.liveSessions) == 1)
    daemon.stop()
  }

  @Test(arguments: [1, 2])
  func `the demo's sessions count and close as in replay`(workers: Int) async throws {
    let requests = try Files.demoOptions().sessions
    let daemon = try Daemon(
      Configuration.parse(
        """
        workers: \(workers)
        ports:
          - { name: clients, lif: 1, capture: \(Files.demo) }
          - { name: servers, lif: 2 }
        captures: { split: client-server, rate: capture }
        """, file: "x.yaml"))
    let reply = await daemon.sessions.add(requests, replacing: false)
    #expect(reply.outcomes.allSatisfy { $0.outcome == .added })
    try daemon.start()
    #expect(try await wait(seconds: 30) { daemon.total(.packets) == 1774 })
    #expect(try await wait(seconds: 30) { !daemon.ports()[0].isReceiving })
    // Reset, finished and idle ones; the demo ends with silence of its own.
    #expect(try await wait { daemon.total(.closedFINACK) == 17 && daemon.total(.closedRST) == 5 })
    daemon.stop()
    #expect(daemon.total(.matched) == 1466 && daemon.total(.sessionsOpened) == 34)
  }

  @Test func `a stop under load ends within a second`() async throws {
    let daemon = try daemon(
      """
      workers: 2
      ports:
        - { name: a, lif: 1, memory: { flows: 1000 }, miss: learn }
        - { name: b, lif: 2, miss: learn }
      """)
    let load = Task {
      var number: UInt16 = 1
      while !Task.isCancelled {
        _ = await daemon.sessions.add([request(number, timeout: 100)], replacing: false)
        _ = await daemon.sessions.delete(SessionID(UInt64(number)))
        number = number == 60_000 ? 1 : number + 1
      }
    }
    try await Task.sleep(for: .milliseconds(300))
    let took = ContinuousClock().measure { daemon.stop() }
    load.cancel()
    await load.value
    #expect(took < .seconds(5), "\(took)")
    let verdicts: [Counter] = [.forwarded, .dropped, .mirrored, .snooped, .punted, .consumed]
    #expect(daemon.total(.packets) == verdicts.reduce(0) { $0 + daemon.total($1) })
    #expect(daemon.total(.packets) == daemon.ports().reduce(0) { $0 + $1.receivedPackets })
    daemon.stop()
  }
}
