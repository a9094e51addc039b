import Config
import Dataplane
import Foundation
import Gateway
import PacketIO
import Testing

@Suite("Daemon: what ports receive", .serialized)
struct DaemonPortTests {
  private static let demoPackets: UInt64 = 1774

  // MARK: Captures

  @Test(arguments: [1, 2, 3])
  func `a capture that ended leaves the daemon running`(workers: Int) throws {
    let run = try DaemonRun(
      """
      workers: \(workers)
      ports:
        - { name: a, lif: 1, capture: \(Files.demo), miss: learn }
        - { name: b, lif: 2, miss: learn }
      captures: { rate: max, split: client-server }
      """)
    #expect(run.wait { run[.packets] == Self.demoPackets })
    #expect(run.wait { run.runtime.portReports().allSatisfy { !$0.isReceiving } })
    #expect(run.runtime.portReports().allSatisfy { $0.error == nil && $0.kind == .capture })
    #expect(run.runtime.portReports().allSatisfy { $0.receivedPackets > 0 && $0.transmittedPackets > 0 })
    #expect(run.runtime.failure == nil)
    #expect(workers == 1 || run[.handedOff] > 0)
    let request = SessionRequest(
      id: SessionID(1),
      tuple: FiveTuple(
        source: IPAddress(ipv4: 1), sourcePort: 1, destination: IPAddress(ipv4: 2), destinationPort: 80,
        transport: .tcp), action: .forward, cacheTimeout: 100)
    #expect(run.runtime.group.add([request]) == [.added], "commands still go through")
    run.stop()
  }

  @Test(arguments: [1, 2])
  func `a loop has no end but a stop, with nothing lost`(workers: Int) throws {
    let run = try DaemonRun(
      """
      workers: \(workers)
      timeouts: { learned_udp: 1, closing: 1, linger: 1 }
      ports: [{ name: a, lif: 1, capture: \(Files.demo), miss: learn }]
      captures: { rate: max, loop: forever }
      """)
    #expect(run.wait { run[.packets] > 20 * Self.demoPackets })
    #expect(run.runtime.portReports().allSatisfy { $0.isReceiving })
    run.stop()
  }

  @Test func `rounds, rate and filter are as in replay`() throws {
    let run = try DaemonRun(
      """
      ports: [{ name: a, lif: 1, capture: \(Files.demo) }]
      captures: { rate: 20k, loop: 3, filter: "udp" }
      """)
    var options = ReplayOptions(captures: [Files.demo])
    options.filter = "udp"
    let expected = 3 * (try ReplayRun(options)).summary[.packets]
    #expect(expected > 0 && run.wait { run[.packets] == expected })
    #expect(run.wait { run.runtime.portReports().allSatisfy { !$0.isReceiving } })
    run.stop()
    #expect(run[.packets] == expected)
  }

  @Test func `at its own pace a capture takes its time`() throws {
    let run = try DaemonRun("ports: [{ name: a, lif: 1, capture: \(Files.demo) }]")
    usleep(500_000)
    #expect(run[.packets] > 0 && run[.packets] < Self.demoPackets / 2)
    run.stop()
    #expect(run[.packets] < Self.demoPackets / 2)
  }

  @Test func `a capture that is cut stops its port and not the daemon`() throws {
    let directory = try TemporaryDirectory()
    let whole = try Data(contentsOf: URL(filePath: Files.demo))
    try whole.prefix(40_000).write(to: URL(filePath: directory.file("cut.pcap")))
    let run = try DaemonRun(
      """
      ports:
        - { name: a, lif: 1, capture: \(directory.file("cut.pcap")) }
        - { name: b, lif: 2, memory: { flows: 8, rate: 1000 } }
      captures: { rate: max }
      """)
    #expect(run.wait { run.runtime.portReports()[0].error != nil })
    #expect(run.runtime.portReports()[0].error?.contains("cut.pcap") == true)
    #expect(!run.runtime.portReports()[0].isReceiving && run.runtime.portReports()[1].isReceiving)
    #expect(run.runtime.failure == nil)
    run.stop()
  }

  // MARK: Pipes

  @Test func `a pipe plays what comes, as it comes`() throws {
    let directory = try TemporaryDirectory()
    var pipe = try NamedPipe(directory.file("in"))
    let run = try DaemonRun("ports: [{ name: a, lif: 1, capture: \(pipe.path) }]")
    #expect(run.runtime.portReports()[0].isReceiving, "a writer may come at any time")
    let whole = try Data(contentsOf: URL(filePath: Files.demo))
    try pipe.open()
    // Cut within a packet: what is whole is received.
    try pipe.write(whole.prefix(20_001))
    #expect(run.wait { run[.packets] > 0 })
    usleep(100_000)
    let some = run[.packets]
    #expect(some < Self.demoPackets)
    for start in stride(from: 20_001, to: whole.count, by: 50_000) {
      try pipe.write(whole[start..<min(start + 50_000, whole.count)])
    }
    #expect(run.wait { run[.packets] == Self.demoPackets })
    pipe.close()
    #expect(run.wait { !run.runtime.portReports()[0].isReceiving })
    #expect(run.runtime.portReports()[0].error == nil)
    run.stop()
  }

  @Test func `a pipe that stays silent, or stops in a header, does not hold up the stop`() throws {
    let directory = try TemporaryDirectory()
    var pipes = [try NamedPipe(directory.file("in0")).path]
    var second = try NamedPipe(directory.file("in1"))
    pipes.append(second.path)
    let run = try DaemonRun(
      """
      ports:
        - { name: a, lif: 1, capture: \(pipes[0]) }
        - { name: b, lif: 2, capture: \(pipes[1]) }
        - { name: c, lif: 3, capture: \(Files.demo) }
      captures: { rate: max }
      """)
    try second.open()
    try second.write(Data([0xD4, 0xC3, 0xB2]))
    #expect(run.wait { run[.packets] == Self.demoPackets }, "a file does not wait for a pipe")
    run.stop()
  }

  @Test func `what is no capture is named`() throws {
    let directory = try TemporaryDirectory()
    var pipe = try NamedPipe(directory.file("in"))
    let run = try DaemonRun("ports: [{ name: a, lif: 1, capture: \(pipe.path) }]")
    try pipe.open()
    try pipe.write(Data(repeating: 7, count: 100))
    #expect(run.wait { run.runtime.portReports()[0].error?.contains("not a pcap") == true })
    pipe.close()
    run.stop()
  }

  // MARK: Memory

  @Test(arguments: [1, 2])
  func `memory is received at full speed, each packet by its session's owner`(workers: Int) throws {
    let run = try DaemonRun(
      """
      workers: \(workers)
      ports:
        - { name: a, lif: 1, memory: { flows: 500, packets: 5000, size: 100, seed: 3 }, miss: learn }
        - { name: b, lif: 2, miss: learn }
      """)
    // A worker may have to wait for a core while the other has all that many packets.
    #expect(run.wait(seconds: 60) { run[.packets] > 200_000 && run[.sessionsOpened] == 500 })
    #expect(run.runtime.workers().allSatisfy { ($0.counters.first?.value ?? 0) > 0 })
    run.stop()
    #expect(run[.handedOff] == 0 && run[.dropped] == 0)
    #expect(run[.sessionsOpened] == 500 && run[.liveSessions] == 500)
    #expect(run.runtime.portReports().allSatisfy { $0.receivedPackets > 0 && $0.transmittedPackets > 0 })
    #expect(run[.bytes] == 100 * run[.packets])
  }

  @Test(arguments: [1, 2])
  func `memory keeps to its rate`(workers: Int) throws {
    let run = try DaemonRun(
      """
      workers: \(workers)
      ports: [{ name: a, lif: 1, memory: { flows: 100, rate: 10k } }]
      """)
    let took = ContinuousClock().measure {
      usleep(1_000_000)
      run.stop()
    }
    let due = UInt64(10_000 * (took / .seconds(1)))
    #expect((due / 3...due * 3 / 2).contains(run[.packets]), "\(run[.packets])")
  }

  // MARK: LIFs

  @Test func `learned sessions are on the packet's LIF and its peer's, on its VLAN`() throws {
    for (policy, isNamed) in [("strict", true), ("opaque", false)] {
      let text = """
        ports:
          - { name: a, lif: 1, capture: \(Files.demo), miss: learn }
          - { name: b, lif: 2, miss: learn }
        captures: { rate: max, split: client-server }
        api: { lif: \(policy) }
        """
      let runtime = try DaemonRuntime(Configuration.parse(text, file: "x.yaml"), reportsSessions: true)
      try runtime.start()
      while runtime.group.total(.packets) < Self.demoPackets { usleep(1000) }
      runtime.signalStop()
      var sessions: [SessionSnapshot] = []
      while !runtime.group.isFinished {
        for events in runtime.group.events { while let session = events.take() { sessions.append(session) } }
      }
      for events in runtime.group.events { while let session = events.take() { sessions.append(session) } }
      runtime.join()
      #expect(!sessions.isEmpty)
      if isNamed {
        #expect(sessions.allSatisfy { $0.inLIF.number == 1 && $0.outLIF.number == 2 || $0.inLIF.number == 2 })
        #expect(sessions.contains { $0.inLIF.vlan != 0 && $0.inLIF.vlan == $0.outLIF.vlan })
        #expect(sessions.contains { $0.inPackets > 0 && $0.outPackets > 0 && $0.inLIF.vlan != 0 })
        #expect(runtime.group.total(.learnFailed) == 0)
      } else {
        #expect(sessions.allSatisfy { $0.inLIF == .any && $0.outLIF == .any })
      }
    }
  }

  // MARK: Refusals

  @Test(arguments: [
    ("ports: [{ name: a, lif: 1, capture: /nowhere.pcap }]", "/nowhere.pcap: cannot be opened", 1),
    ("ports: [{ name: a, lif: 1, capture: '-' }]", "port a: a daemon has no standard input", 2),
    (
      "ports: [{ name: a, lif: 1, capture: DEMO }]\ncaptures: { split: mac }",
      "captures.split deals one capture to two ports: there are 1 captures and 1 ports", 2
    ),
    (
      "ports: [{ name: a, lif: 1, capture: DEMO }]\ncaptures: { filter: tpc }", "captures.filter \"tpc\":", 2
    ),
  ])
  func `what cannot be played is refused at the start`(text: String, message: String, status: Int32) {
    let text = text.replacingOccurrences(of: "DEMO", with: Files.demo)
    do {
      _ = try DaemonRun(text)
      Issue.record("accepted")
    } catch let error as DaemonError {
      #expect(error.message.hasPrefix(message) && error.status == status, "\(error.message)")
    } catch {
      Issue.record("\(error)")
    }
  }
}
