import Config
import Dataplane
import Foundation
import Gateway
import Testing

@Suite("Daemon", .serialized)
struct DaemonTests {
  private static let session = """
    sessions:
      - sourceip: 192.0.2.1
        sourceport: 1000
        destinationip: 192.0.2.2
        destinationport: 2000
        protocolid: UDP
        action: FORWARD
        cachetimeout: 1
    """

  @Test func `a session without traffic times out by itself`() throws {
    let run = try DaemonRun("ports: [{ name: a, lif: 1 }]\n" + Self.session)
    #expect(run[.liveSessions] == 1 && run[.closedTimeout] == 0)
    usleep(500_000)
    #expect(run[.liveSessions] == 1, "not before its time")
    #expect(run.wait(seconds: 1.5) { run[.closedTimeout] == 1 }, "at most a second late")
    #expect(run[.liveSessions] == 0 && run[.packets] == 0)
    run.stop()
  }

  @Test func `a daemon without ports runs and stops`() throws {
    let run = try DaemonRun("workers: 3")
    usleep(20_000)
    #expect(run.runtime.failure == nil)
    run.stop()
    #expect(run.runtime.failure == nil, "a stop is no failure")
  }

  @Test func `one that was never started stops too`() throws {
    let run = try DaemonRun("ports: [{ name: a, lif: 1, capture: \(Files.demo) }]", isStarted: false)
    run.stop()
    #expect(run[.packets] == 0)
  }

  @Test func `commands are applied at the present time, also by a worker that sleeps`() throws {
    let run = try DaemonRun("workers: 2")
    usleep(50_000)
    let before = run.runtime.clock.now
    var times: [Duration] = []
    for number in 0..<20 {
      let request = SessionRequest(
        id: SessionID(UInt64(number + 1)),
        tuple: FiveTuple(
          source: IPAddress(ipv4: 1), sourcePort: UInt16(number), destination: IPAddress(ipv4: 2),
          destinationPort: 80, transport: .tcp), action: .forward, cacheTimeout: 100)
      times.append(ContinuousClock().measure { #expect(run.runtime.group.add([request]) == [.added]) })
      usleep(10_000)
    }
    // The control side's own wait is a part of it; a machine that does other work too must not fail this.
    #expect(times.sorted()[10] < .milliseconds(5), "\(times)")
    #expect(run.runtime.clock.now > before && run[.liveSessions] == 20)
    run.stop()
  }

  @Test func `idle workers use next to no CPU time`() throws {
    let run = try DaemonRun("workers: 2\nports: [{ name: a, lif: 1 }]")
    usleep(200_000)
    let before = run.runtime.workers().map(\.cpuNanoseconds)
    usleep(1_000_000)
    for (worker, report) in run.runtime.workers().enumerated() {
      let used = report.cpuNanoseconds - before[worker]
      #expect(used < 20_000_000, "worker \(worker) used \(used) ns in a second")
    }
    run.stop()
    #expect(run.runtime.workers().allSatisfy { $0.cpuNanoseconds > 0 }, "known after the end, too")
  }

  @Test func `sessions that cannot all be added are refused`() {
    let twice =
      "capacity: 1\n" + Self.session + "\n"
      + Self.session.replacing("sessions:\n", with: "").replacing("1000", with: "1001")
    #expect(throws: DaemonError.self) { try DaemonRun(twice) }
    do {
      _ = try DaemonRun(twice)
    } catch let error as DaemonError {
      #expect(error.status == 2 && error.message.contains("the table is full"), "\(error.message)")
    } catch {}
  }

  @Test func `reports name ports, workers and memory`() throws {
    let run = try DaemonRun(
      """
      ports:
        - { name: a, lif: 1, memory: { flows: 4, rate: 1000 }, miss: drop }
        - { name: b, lif: 7, non_session: punt }
      """)
    #expect(run.wait { run[.packets] > 10 })
    let ports = run.runtime.portReports()
    #expect(ports.map(\.name) == ["a", "b"] && ports.map(\.lif) == [1, 7] && ports.map(\.peer) == [7, 1])
    #expect(ports.map(\.kind) == [.memory, .none] && ports.map(\.isReceiving) == [true, false])
    #expect(ports.map(\.miss) == ["drop", "forward"] && ports.map(\.nonSession) == ["forward", "punt"])
    #expect(run.runtime.drops().map(\.reason) == [.missDrop])
    let worker = try #require(run.runtime.workers().first)
    #expect(worker.counters.first?.name == "packets" && worker.counters.count == Counter.allCases.count)
    let memory = run.runtime.memory(retained: 2)
    #expect(memory.residentBytes > 1 << 20 && memory.tableBytes > 126_000_000 && memory.poolBytes > 1 << 20)
    #expect(memory.closedRetainedBytes > 0)
    run.stop()
    #expect(run.runtime.portReports().allSatisfy { !$0.isReceiving })
  }
}

extension String {
  fileprivate func replacing(_ part: String, with other: String) -> String {
    replacingOccurrences(of: part, with: other)
  }
}
