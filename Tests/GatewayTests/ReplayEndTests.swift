import Config
import Dataplane
import Foundation
import Gateway
import PacketIO
import Testing

@Suite("Replay: ends before the end")
struct ReplayEndTests {
  @Test(arguments: [1, 2])
  func `a capture cut within a packet: what is before it, and an error`(workers: Int) throws {
    let directory = try TemporaryDirectory()
    let demo = try Data(contentsOf: URL(filePath: Files.demo))
    let cut = demo.count * 3 / 5
    let expected = try CaptureFile(Files.demo, prefix: cut)
    try demo.prefix(cut).write(to: URL(filePath: directory.file("cut.pcap")))
    var options = Files.learning(directory.file("cut.pcap"), workers: workers)
    options.writeDirectory = directory.file("out")
    let run = try ReplayRun(options)
    run.expectEquations()
    #expect(run.summary.error?.code == .truncated)
    #expect(run.summary.error?.file == directory.file("cut.pcap"))
    #expect(run.summary[.packets] == UInt64(expected.packets.count) && expected.packets.count > 500)
    #expect(directory.names("out") == ["lif-1.pcap"])
    #expect(try CaptureFile(directory.file("out/lif-1.pcap")) == expected)
  }

  /// UDP packets of as many flows, a second apart, so that sessions end all the time.
  private func writeFlows(_ count: Int, to path: String) throws {
    let demo = try CaptureFile(Files.demo)
    let udp = try #require(
      demo.packets.first { $0.bytes.count >= 42 && $0.bytes[12...14] == [8, 0, 0x45] && $0.bytes[23] == 17 })
    var capture = CaptureFile()
    capture.packets = (0..<count).map { index in
      var packet = udp
      packet.seconds += index
      packet.bytes[28] = UInt8(index >> 8 & 0xFF)
      packet.bytes[29] = UInt8(index & 0xFF)
      return packet
    }
    try capture.write(to: path)
  }

  @Test(arguments: [1, 2]) func `stopped in mid-run, the summary is of what was read`(workers: Int) throws {
    let directory = try TemporaryDirectory()
    // Far more than may wait to be reported: the run cannot end before it is stopped.
    try writeFlows(60_000, to: directory.file("flows.pcap"))
    var options = Files.learning(directory.file("flows.pcap"), workers: workers)
    options.reportsSessions = true
    options.writeDirectory = directory.file("out")
    let replay = try Replay(options)
    var reported: UInt64 = 0
    let summary = try replay.run(onSession: { _ in
      reported += 1
      replay.progress.stop()
    })
    summary.expectEquations()
    #expect(summary.error == nil)
    #expect(summary[.packets] > 60 && summary[.packets] < 60_000)
    #expect(summary[.sessionsOpened] == summary[.packets] && reported == summary[.sessionsOpened])
    #expect(summary[.closedTimeout] > 0 && summary[.liveSessions] > 0)
    let written = try CaptureFile(directory.file("out/lif-1.pcap"))
    let read = try CaptureFile(directory.file("flows.pcap"))
    #expect(written.packets == Array(read.packets.prefix(Int(summary[.packets]))))
  }

  @Test func `stopped before it began`() throws {
    let replay = try Replay(Files.demoOptions())
    replay.progress.stop()
    let summary = try replay.run()
    summary.expectEquations()
    #expect(summary[.packets] == 0 && summary[.liveSessions] == 34 && summary.error == nil)
  }

  @Test func `a link that is not known: its packets are other`() throws {
    let directory = try TemporaryDirectory()
    var capture = try CaptureFile(Files.demo)
    capture.link = 147
    try capture.write(to: directory.file("user.pcap"))
    let options = ReplayOptions(captures: [directory.file("user.pcap")])
    let unknown = try Replay(options).unknownLinks
    #expect(unknown.map(\.file) == options.captures && unknown.map(\.number) == [147])
    let run = try ReplayRun(options)
    run.expectEquations()
    #expect(run.summary[.other] == 1774 && run.summary[.forwarded] == 1774)
  }
}

@Suite("Replay: copies in GRE")
struct ReplayGRETests {
  private static let source4 = IPAddress(ipv4: 0xC000_0201)
  private static let source6 = IPAddress(ipv6High: 0x2001_0DB8_0000_0000, low: 1)

  /// The addresses of a copy, and the frame inside.
  private func open(_ copy: CaptureFile.Packet) throws -> (from: IPAddress, to: IPAddress, inner: [UInt8]) {
    let bytes = copy.bytes.span.bytes
    let frame = try Frame.parse(bytes, link: .ethernet, originalLength: UInt32(copy.original))
    #expect(frame.kind == .otherIP && frame.ipProtocol == 47 && frame.transportOffset != 0)
    #expect(frame.tagCount == 0 && !frame.isSnapped && copy.bytes.count == copy.original)
    #expect(macs(copy.bytes) == [2, 0, 0, 0, 0, 0x99, 2, 0, 0, 0, 0, 1])
    let upper = Array(copy.bytes.dropFirst(Int(frame.transportOffset)))
    #expect(upper.prefix(4) == [0, 0, 0x65, 0x58], "no options, transparent Ethernet bridging")
    let inner = Array(upper.dropFirst(4))
    if frame.family == 4 {
      let header = frame.ipv4(in: bytes)
      return (header.source, header.destination, inner)
    }
    let header = frame.ipv6(in: bytes)
    return (header.source, header.destination, inner)
  }

  /// Destination and source.
  private func macs(_ bytes: [UInt8]) -> [UInt8] { Array(bytes.prefix(12)) }

  /// The demo's packets that belong to sessions with `action`, and where their copies go.
  private func expected(_ action: Action, _ options: ReplayOptions) throws -> [[UInt8]: IPAddress] {
    let sessions = options.sessions.filter { $0.action == action }
    var copies: [[UInt8]: IPAddress] = [:]
    for packet in try CaptureFile(Files.demo).packets {
      let bytes = packet.bytes.span.bytes
      guard let frame = try? Frame.parse(bytes, link: .ethernet, originalLength: UInt32(packet.original)),
        frame.hasPorts
      else { continue }
      let ports = frame.ports(in: bytes)
      let source = frame.family == 4 ? frame.ipv4(in: bytes).source : frame.ipv6(in: bytes).source
      for session in sessions {
        let tuple = session.tuple
        let isForward =
          (source, ports.source, ports.destination)
          == (tuple.source, tuple.sourcePort, tuple.destinationPort)
        let isBack =
          (source, ports.source, ports.destination)
          == (tuple.destination, tuple.destinationPort, tuple.sourcePort)
        if isForward || isBack { copies[packet.bytes] = session.nextHop }
      }
    }
    return copies
  }

  @Test(arguments: [(Action.mirror, "mirror.pcap", 92), (.snoop, "snoop.pcap", 20)])
  func `the whole frame travels inside`(action: Action, name: String, count: Int) throws {
    let directory = try TemporaryDirectory()
    var options = try Files.demoOptions()
    options.configuration.copies = .gre(sourceIPv4: Self.source4, sourceIPv6: Self.source6)
    options.writeDirectory = directory.path
    let run = try ReplayRun(options)
    run.expectEquations()
    #expect(run.summary[.copiesMade] == 112 && run.summary[.copiesFailed] == 0)
    let wanted = try expected(action, options)
    let copies = try CaptureFile(directory.file(name)).packets
    #expect(copies.count == count)
    var families: Set<IPAddress.Family> = []
    for copy in copies {
      let (from, to, inner) = try open(copy)
      #expect(from == (to.family == .ipv4 ? Self.source4 : Self.source6))
      #expect(wanted[inner] == to, "a packet of such a session, to its next hop")
      families.insert(to.family)
    }
    #expect(families.count == 2)
  }

  @Test func `without a source address of the family a copy fails, and its packet goes on`() throws {
    var options = try Files.demoOptions()
    options.configuration.copies = .gre(sourceIPv4: Self.source4, sourceIPv6: nil)
    let run = try ReplayRun(options)
    run.expectEquations()
    #expect(run.summary[.copiesMade] == 112)
    #expect(run.summary[.copiesFailed] > 0 && run.summary[.copiesFailed] < 112)
    #expect(run.summary[.mirrored] == 92 && run.summary[.snooped] == 20)
  }
}
