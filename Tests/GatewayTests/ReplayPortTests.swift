import Config
import Dataplane
import Foundation
import Gateway
import Testing

@Suite("Replay: ports")
struct ReplayPortTests {
  @Test func `two captures are two LIFs, each the other's peer`() throws {
    let directory = try TemporaryDirectory()
    let captures = [Files.demo, Files.capture("short-connections")]
    for learn in [nil, Action.forward] {
      var options = ReplayOptions(captures: captures)
      options.learn = learn
      options.writeDirectory = directory.path
      let run = try ReplayRun(options)
      run.expectEquations()
      #expect(directory.names() == ["lif-1.pcap", "lif-2.pcap"])
      #expect(try CaptureFile(directory.file("lif-2.pcap")) == CaptureFile(captures[0]))
      #expect(try CaptureFile(directory.file("lif-1.pcap")) == CaptureFile(captures[1]))
    }
  }

  @Test func `one capture, or three, leave by the LIF they came by`() throws {
    let directory = try TemporaryDirectory()
    let captures = [Files.demo, Files.capture("short-connections"), Files.capture("loss")]
    for count in [1, 3] {
      var options = ReplayOptions(captures: Array(captures.prefix(count)))
      options.writeDirectory = directory.path
      _ = try ReplayRun(options)
      #expect(directory.names().count == count)
      for index in 0..<count {
        #expect(try CaptureFile(directory.file("lif-\(index + 1).pcap")) == CaptureFile(captures[index]))
      }
    }
  }

  /// The demo on a port with LIF 10, whose peer is LIF 20.
  private func demo(
    _ miss: MissPolicy, learned: Action = .forward, nonSession: NonSessionPolicy = .forward,
    _ directory: borrowing TemporaryDirectory
  ) throws -> ReplayRun {
    var options = ReplayOptions(captures: [])
    options.configuration.ports = [
      Port(name: "out", lif: LIF(number: 20)),
      Port(
        name: "in", lif: LIF(number: 10), peer: LIF(number: 20), capture: Files.demo, miss: miss,
        learnedAction: learned, nonSession: nonSession),
    ]
    options.writeDirectory = directory.path
    let run = try ReplayRun(options)
    run.expectEquations()
    return run
  }

  @Test func `forward goes to the configured peer`() throws {
    let directory = try TemporaryDirectory()
    let run = try demo(.forward, directory)
    #expect(run.summary[.forwarded] == 1774 && run.summary[.missed] == 1724)
    #expect(directory.names() == ["lif-20.pcap"])
    #expect(try CaptureFile(directory.file("lif-20.pcap")) == CaptureFile(Files.demo))
  }

  @Test func `what no session matches is punted, other packets are not`() throws {
    let directory = try TemporaryDirectory()
    let run = try demo(.punt, directory)
    #expect(run.summary[.punted] == 1724 && run.summary[.forwarded] == 50 && run.sessions.isEmpty)
    #expect(directory.names() == ["lif-20.pcap", "punt.pcap"])
    #expect(try CaptureFile(directory.file("punt.pcap")).packets.count == 1724)
  }

  @Test func `misses dropped, other packets punted`() throws {
    let directory = try TemporaryDirectory()
    let run = try demo(.drop, nonSession: .punt, directory)
    #expect(run.summary[.dropped] == 1724 && run.summary[.punted] == 50)
    #expect(run.summary.drops.map(\.reason) == [.missDrop])
    #expect(directory.names() == ["drop.pcap", "punt.pcap"])
    #expect(try CaptureFile(directory.file("drop.pcap")).packets.count == 1724)
  }

  @Test func `sessions learned to drop, other packets dropped for another reason`() throws {
    let directory = try TemporaryDirectory()
    let run = try demo(.learn, learned: .drop, nonSession: .drop, directory)
    #expect(run.summary[.dropped] == 1774 && run.summary[.sessionsOpened] > 34)
    #expect(run.summary.drops.map(\.reason) == [.sessionDrop, .nonSessionDrop])
    // Two of the 50 others are ICMP errors about sessions.
    #expect(run.summary.drops.map(\.count) == [1726, 48])
    #expect(directory.names() == ["drop.pcap"])
    #expect(try CaptureFile(directory.file("drop.pcap")) == CaptureFile(Files.demo))
  }

  @Test func `the option to learn overrides every port's policy`() throws {
    var options = ReplayOptions(captures: [Files.demo])
    options.configuration.ports = [Port(name: "in", lif: LIF(number: 10), miss: .drop)]
    options.learn = .forward
    let run = try ReplayRun(options)
    #expect(run.summary[.forwarded] == 1774 && run.summary[.sessionsOpened] > 34)
  }

  @Test func `captures named on the command line go before those of the ports`() throws {
    let directory = try TemporaryDirectory()
    var options = ReplayOptions(captures: [Files.capture("loss")])
    options.configuration.ports = [
      Port(name: "a", lif: LIF(number: 1), peer: LIF(number: 2), capture: Files.demo),
      Port(name: "b", lif: LIF(number: 2), capture: Files.demo),
    ]
    options.writeDirectory = directory.path
    _ = try ReplayRun(options)
    #expect(directory.names() == ["lif-2.pcap"])
    #expect(try CaptureFile(directory.file("lif-2.pcap")) == CaptureFile(Files.capture("loss")))
  }
}

@Suite("Replay: refused before anything happens")
struct ReplayRefusalTests {
  private func expectRefusal(
    _ options: ReplayOptions, _ code: ReplayError.Code, _ words: String...,
    location: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: ReplayError.self, sourceLocation: location) { try ReplayRun(options) }
    #expect(error?.code == code, sourceLocation: location)
    for word in words {
      #expect(error?.message.contains(word) == true, "\(error?.message ?? "")", sourceLocation: location)
    }
  }

  @Test func `more captures than ports`() {
    var options = ReplayOptions(captures: [Files.demo, Files.demo, Files.demo])
    options.configuration.ports = (1...2).map { Port(name: "\($0)", lif: LIF(number: $0)) }
    expectRefusal(options, .usage, "3 captures", "2 configured ports")
    expectRefusal(
      ReplayOptions(captures: [String](repeating: Files.demo, count: 257)), .usage, "257", "at most 256")
  }

  @Test func `no capture`() {
    expectRefusal(ReplayOptions(captures: []), .usage, "no capture")
    var options = ReplayOptions(captures: [])
    options.configuration.ports = [Port(name: "lan", lif: LIF(number: 1))]
    expectRefusal(options, .usage, "no capture")
  }

  @Test(arguments: [0, -1, 65]) func `numbers of workers that cannot be`(workers: Int) {
    var options = ReplayOptions(captures: [Files.demo])
    options.workers = workers
    expectRefusal(options, .usage, "--workers \(workers)", "1...64")
  }

  @Test func `more sessions than the table holds`() throws {
    var options = try Files.demoOptions()
    options.configuration.capacity = options.sessions.count - 1
    expectRefusal(options, .usage, "34 sessions", "capacity", "33")
    options.configuration.capacity = options.sessions.count
    #expect(try ReplayRun(options).summary[.sessionsOpened] == 34)
  }

  @Test(arguments: [1, 3]) func `sessions that contradict each other`(workers: Int) throws {
    var options = try Files.demoOptions()
    options.workers = workers
    options.configuration.sessions = [options.sessions[3]]
    expectRefusal(options, .usage, "1 sessions were refused", "id 4 ", "in use")
    var reversed = options.sessions[5].tuple
    (reversed.source, reversed.destination) = (reversed.destination, reversed.source)
    (reversed.sourcePort, reversed.destinationPort) = (reversed.destinationPort, reversed.sourcePort)
    options.configuration.sessions = []
    options.sessions.append(SessionRequest(id: SessionID(99), tuple: reversed, action: .drop))
    expectRefusal(options, .usage, "id 99 ", "in use")
  }

  @Test func `captures that cannot be read, by name`() throws {
    let directory = try TemporaryDirectory()
    try directory.write("This is no capture, but a text of more than 24 bytes.", to: "text.pcap")
    try directory.write("", to: "empty.pcap")
    for name in ["text.pcap", "empty.pcap", "missing.pcap", "."] {
      let file = directory.file(name)
      expectRefusal(ReplayOptions(captures: [Files.demo, file]), .failed, file)
    }
  }
}
