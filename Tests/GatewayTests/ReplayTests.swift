import Config
import Dataplane
import Foundation
import Gateway
import Testing

@Suite("Replay: what is counted")
struct ReplayTests {
  @Test func `the demo with its sessions`() throws {
    let run = try ReplayRun(Files.demoOptions())
    run.expectEquations()
    let summary = run.summary
    #expect(summary[.packets] == 1774)
    #expect([Counter.matched, .missed, .other].map { summary[$0] } == [1466, 258, 50])
    #expect([Counter.forwarded, .dropped, .mirrored, .snooped].map { summary[$0] } == [1502, 160, 92, 20])
    #expect(summary[.punted] == 0 && summary[.consumed] == 0 && summary[.generated] == 0)
    #expect(summary.drops.map(\.reason) == [.sessionDrop])
    #expect(summary[.copiesMade] == 112 && summary[.copiesFailed] == 0 && summary[.transmitted] == 1726)
    let sessions: [Counter] = [.sessionsOpened, .closedFINACK, .closedRST, .closedTimeout, .liveSessions]
    #expect(sessions.map { summary[$0] } == [34, 17, 5, 4, 8])
    #expect(run.sessions.count == 34 && summary.error == nil)
    #expect(summary.workers.map(\.packets) == [1774] && summary[.handedOff] == 0)
    #expect(summary.seconds > 0 && summary.packetsPerSecond > 0 && summary.bitsPerSecond > 0)
  }

  @Test(arguments: try Files.captures(), [1, 2])
  func `the equations hold`(capture: String, workers: Int) throws {
    let file = Files.capture(capture)
    let count = UInt64(try CaptureFile(file).packets.count)
    let run = try ReplayRun(Files.learning(file, workers: workers))
    run.expectEquations()
    #expect(run.summary[.packets] == count && run.summary[.matched] > 0 && run.summary[.sessionsOpened] > 0)
    var plain = ReplayOptions(captures: [file])
    plain.workers = workers
    let forwarded = try ReplayRun(plain)
    forwarded.expectEquations()
    #expect(forwarded.summary[.matched] == 0 && forwarded.sessions.isEmpty)
    #expect(forwarded.summary[.forwarded] + forwarded.summary[.dropped] == count)
  }
}

@Suite("Replay: one worker or many, bursts long or short, the same answer")
struct ReplayWorkersTests {
  private static func options() throws -> [ReplayOptions] {
    var demoLearning = try Files.demoOptions()
    demoLearning.learn = .drop
    let learning = ["loss", "short-connections", "slow", "cooked-v1-vlan", "snap-60-ipv4"].map {
      Files.learning(Files.capture($0))
    }
    return try [Files.demoOptions(), demoLearning] + learning
  }

  @Test func `totals and sessions`() throws {
    for options in try Self.options() {
      let one = try ReplayRun(options)
      for workers in 1...4 {
        for burstLimit in [1, 7, 64, 256] {
          var many = options
          many.workers = workers
          many.burstLimit = burstLimit
          let run = try ReplayRun(many)
          run.expectEquations()
          let what = "\(options.captures), \(workers) workers, bursts of \(burstLimit)"
          #expect(run.totals == one.totals, "\(what)")
          #expect(run.sessions == one.sessions, "\(what)")
        }
      }
    }
  }

  @Test func `both of two workers own packets, and only the first hands over`() throws {
    var options = try Files.demoOptions()
    options.workers = 2
    options.learn = .forward
    let workers = try ReplayRun(options).summary.workers
    #expect(workers.count == 2 && workers.allSatisfy { $0.packets > 100 })
    #expect(workers.map(\.handedOff) == [workers[1].packets, 0])
  }

  /// One packet on Ethernet, then many without link header, all with the same destination.
  private func mixedLinks(
    _ miss: MissPolicy, _ directory: borrowing TemporaryDirectory
  ) throws -> ReplayOptions {
    let raw = try CaptureFile(Files.capture("raw-ip"))
    var ethernet = try CaptureFile(Files.capture("short-connections"))
    // IPv4 and TCP.
    ethernet.packets = ethernet.packets.filter { $0.bytes[12...14] == [8, 0, 0x45] && $0.bytes[23] == 6 }
    ethernet.packets = Array(ethernet.packets.prefix(1))
    ethernet.packets[0].seconds = raw.packets[0].seconds - 1
    try ethernet.write(to: directory.file("ethernet.pcap"))
    try raw.write(to: directory.file("raw.pcap"))
    var options = ReplayOptions(captures: [directory.file("ethernet.pcap"), directory.file("raw.pcap")])
    options.configuration.ports = (1...2).map { number in
      Port(name: "\(number)", lif: LIF(number: number), peer: LIF(number: 1), miss: miss)
    }
    return options
  }

  private func expectSameFiles(_ options: ReplayOptions) throws {
    let directory = try TemporaryDirectory()
    for workers in [1, 2, 4] {
      var run = options
      run.workers = workers
      run.writeDirectory = directory.file("\(workers)")
      #expect(try ReplayRun(run).summary.error == nil)
      let what = "\(options.captures), \(workers) workers"
      #expect(directory.names("\(workers)") == directory.names("1"), "\(what)")
      for name in directory.names("1") {
        let isSame = try directory.read("\(workers)/\(name)") == directory.read("1/\(name)")
        #expect(isSame, "\(what), \(name)")
      }
    }
    #expect(!directory.names("1").isEmpty)
  }

  @Test func `written files, byte by byte`() throws {
    for options in try Self.options() { try expectSameFiles(options) }
    try expectSameFiles(Files.learning(Files.capture("swapped-nanosecond")))
  }

  @Test(arguments: [MissPolicy.forward, .punt, .drop, .learn])
  func `files for packets of two kinds of links`(miss: MissPolicy) throws {
    let directory = try TemporaryDirectory()
    let options = try mixedLinks(miss, directory)
    try expectSameFiles(options)
    var written = options
    written.workers = 3
    written.writeDirectory = directory.file("out")
    _ = try ReplayRun(written)
    let stem = [MissPolicy.punt: "punt", .drop: "drop"][miss] ?? "lif-1"
    #expect(try CaptureFile(directory.file("out/\(stem).pcap")) == CaptureFile(options.captures[0]))
    let raw = try CaptureFile(directory.file("out/\(stem)-linktype-101.pcap"))
    #expect(raw.link == 101 && raw.packets.count > 100)
  }
}
