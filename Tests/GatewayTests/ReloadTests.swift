import Config
import Dataplane
import Foundation
import Gateway
import Testing

@Suite("A daemon that changes while it runs", .serialized)
struct ReloadTests {
  private func reload(_ run: DaemonRun, _ text: String) throws -> [String] {
    try run.runtime.reload(ConfigurationFile(text, name: "x.yaml"))
  }

  private static func memory(_ workers: Int, _ a: String, _ b: String, more: String = "") -> String {
    """
    workers: \(workers)
    ports:
      - { name: a, lif: 1, peer: 2, memory: { flows: 50, packets: 500 }, \(a) }
      - { name: b, lif: 2, peer: 1, \(b) }
    \(more)
    """
  }

  @Test(arguments: [1, 2])
  func `policies change between two bursts`(workers: Int) throws {
    let run = try DaemonRun(Self.memory(workers, "miss: drop", "miss: drop"))
    #expect(run.wait { run[.dropped] > 1000 } && run[.forwarded] == 0)
    #expect(try reload(run, Self.memory(workers, "miss: forward", "miss: forward")).count == 2)
    let dropped = run[.dropped]
    #expect(run.wait { run[.forwarded] > 1000 })
    // What workers had not published yet.
    #expect(run[.dropped] < dropped + 1000)
    #expect(try reload(run, Self.memory(workers, "miss: learn", "miss: learn")).count == 2)
    #expect(run.wait { run[.liveSessions] == 50 })
    run.stop()
  }

  @Test func `policies that workers keep are given back`() throws {
    let run = try DaemonRun(Self.memory(2, "miss: learn", "miss: learn"))
    for round in 0..<50 {
      let text = Self.memory(
        2, "miss: learn, learn: \(round % 2 == 0 ? "drop" : "forward")", "miss: learn",
        more: "timeouts: { learned_udp: \(round + 10), linger: \(round % 5 + 1) }")
      _ = try reload(run, text)
    }
    run.stop()
  }

  @Test func `a refusal has file, line and column`() throws {
    let run = try DaemonRun(Self.memory(1, "miss: drop", "miss: drop"))
    let text = Self.memory(2, "miss: forward", "miss: drop", more: "capacity: 77")
    do {
      _ = try reload(run, text)
      Issue.record("accepted")
    } catch let refusal as ReloadRefusal {
      #expect(
        refusal.problems == [
          "x.yaml:5:11: capacity: cannot change while it runs: restart to change it",
          "x.yaml:1:10: workers: cannot change while it runs: restart to change it",
        ])
    }
    do {
      _ = try reload(
        run, Self.memory(1, "miss: forward", "miss: drop, capture: /nowhere.pcap"))
      Issue.record("accepted")
    } catch let refusal as ReloadRefusal {
      #expect(refusal.problems.count == 1)
      #expect(refusal.problems[0].hasPrefix("x.yaml:4:"), "\(refusal.problems)")
      #expect(refusal.problems[0].contains("ports[1].capture: /nowhere.pcap: cannot be opened"))
    }
    #expect(run[.forwarded] == 0 && run.runtime.portReports().allSatisfy { $0.miss == "drop" })
    #expect(run.runtime.configuration.ports.allSatisfy { $0.miss == .drop })
    run.stop()
  }

  @Test func `a stop comes before, between and after changes`() throws {
    for round in 0..<10 {
      let run = try DaemonRun(Self.memory(2, "miss: learn", "miss: learn"))
      let changer = Thread {
        for number in 0..<20 {
          let other = number % 2 == 0 ? "miss: drop" : "miss: punt"
          _ = try? self.reload(run, Self.memory(2, "miss: learn", other))
        }
      }
      changer.start()
      usleep(UInt32(round) * 500)
      run.runtime.signalStop()
      run.runtime.join()
      while !changer.isFinished { usleep(100) }
    }
  }
}
