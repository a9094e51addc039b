import Config
import Dataplane
import Foundation
import Gateway
import Glibc
import PacketIO
import Testing

@Suite("Replay: filtered, split, paced and repeated")
struct ReplayShapingTests {
  /// A capture several times over, each round's times after the last one's by its length and the mean gap.
  private func repeated(_ capture: CaptureFile, _ rounds: Int) throws -> CaptureFile {
    let times = capture.packets.map { $0.seconds * 1_000_000 + $0.fraction }
    let first = try #require(times.first), last = try #require(times.last)
    let gaps = max(times.count - 1, 1)
    let period = last - first + max((last - first + gaps - 1) / gaps, 1)
    var all = capture
    for round in 1..<rounds {
      all.packets += zip(capture.packets, times).map { packet, time in
        var copy = packet
        copy.seconds = (time + round * period) / 1_000_000
        copy.fraction = (time + round * period) % 1_000_000
        return copy
      }
    }
    return all
  }

  @Test(arguments: ["short-connections", "loss", "slow", "snap-60-ipv4", "cooked-v1-vlan"], [1, 2])
  func `rounds are like as many captures joined`(name: String, workers: Int) throws {
    let directory = try TemporaryDirectory()
    let joined = try repeated(CaptureFile(Files.capture(name)), 3)
    try joined.write(to: directory.file("joined.pcap"))
    var options = Files.learning(Files.capture(name), workers: workers)
    options.rounds = 3
    options.writeDirectory = directory.file("out")
    let run = try ReplayRun(options)
    run.expectEquations()
    #expect(run.summary.rounds == 3 && run.summary.error == nil)
    let expected = try ReplayRun(Files.learning(directory.file("joined.pcap")))
    #expect(run.totals == expected.totals && run.sessions == expected.sessions)
    #expect(try CaptureFile(directory.file("out/lif-1.pcap")) == joined)
  }

  @Test func `rounds of two captures that are merged`() throws {
    var options = ReplayOptions(captures: [Files.demo, Files.capture("short-connections")])
    options.learn = .forward
    let once = try ReplayRun(options)
    options.rounds = 4
    let run = try ReplayRun(options)
    run.expectEquations()
    #expect(
      run.summary[.packets] == 4 * once.summary[.packets] && run.summary[.bytes] == 4 * once.summary[.bytes])
    options.workers = 3
    let several = try ReplayRun(options)
    #expect(several.totals == run.totals && several.sessions == run.sessions)
  }

  @Test func `a capture without packets ends after its first round, also forever`() throws {
    let directory = try TemporaryDirectory()
    try CaptureFile().write(to: directory.file("empty.pcap"))
    for rounds in [nil, 5 as UInt64?] {
      var options = ReplayOptions(captures: [directory.file("empty.pcap")])
      options.rounds = rounds
      let run = try ReplayRun(options)
      #expect(run.summary[.packets] == 0 && run.summary.error == nil && run.summary.rounds == 1)
    }
  }

  @Test func `a bad capture is not begun again`() throws {
    let directory = try TemporaryDirectory()
    let bytes = try Data(contentsOf: URL(filePath: Files.demo)).dropLast(7)
    try bytes.write(to: URL(filePath: directory.file("cut.pcap")))
    var options = ReplayOptions(captures: [directory.file("cut.pcap")])
    options.rounds = 5
    let run = try ReplayRun(options)
    #expect(run.summary[.packets] == 1773 && run.summary.error?.code == .truncated)
  }

  @Test func `standard input cannot be replayed twice`() {
    for name in ["-", "/dev/stdin"] {
      var options = ReplayOptions(captures: [name])
      options.rounds = 2
      let error = #expect(throws: ReplayError.self) { try Replay(options) }
      #expect(error?.code == .usage && error?.message.contains("--loop: standard input (\(name))") == true)
    }
  }

  @Test func `a pipe cannot be replayed twice either, which is said before anything is done`() throws {
    let directory = try TemporaryDirectory()
    let pipe = directory.file("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    // For reading too, so that nobody waits for the other end.
    let writer = open(pipe, O_RDWR)
    defer { close(writer) }
    let start = try Data(contentsOf: URL(filePath: Files.demo)).prefix(1000)
    #expect(start.withUnsafeBytes { write(writer, $0.baseAddress, $0.count) } == 1000)
    var options = ReplayOptions(captures: [pipe])
    options.rounds = nil
    let error = #expect(throws: ReplayError.self) { try Replay(options) }
    #expect(error?.code == .usage && error?.message.contains("--loop: \(pipe)") == true)
  }

  @Test func `more rounds than bytes can be counted for have no total`() throws {
    let sources = try ReplaySources(files: [Files.demo])
    let size = try #require(sources.totalBytes)
    #expect(sources.makeProgress(rounds: 3).totalBytes == 3 * size)
    #expect(sources.makeProgress(rounds: .max).totalBytes == nil)
  }

  // MARK: Filters

  @Test(arguments: [1, 2]) func `what is filtered out was never there`(workers: Int) throws {
    let directory = try TemporaryDirectory()
    let all = try CaptureFile(Files.demo)
    var kept = all
    // Ethernet, IPv4 without options or IPv6, TCP: an opinion independent of parser and libpcap.
    kept.packets = all.packets.filter {
      let type = $0.bytes[12] << 4 | $0.bytes[13] & 15
      return type == 0x80 && $0.bytes[23] == 6 || $0.bytes[12] == 0x86 && $0.bytes[20] == 6
    }
    try kept.write(to: directory.file("tcp.pcap"))
    let expected = try ReplayRun(Files.learning(directory.file("tcp.pcap")))
    var options = Files.learning(Files.demo, workers: workers)
    options.filter = "tcp"
    options.writeDirectory = directory.file("out")
    let run = try ReplayRun(options)
    run.expectEquations()
    var totals = run.totals
    totals["note filteredOut"] = 0
    #expect(totals == expected.totals && run.sessions == expected.sessions)
    #expect(run.summary.filteredOut == UInt64(all.packets.count - kept.packets.count))
    #expect(try CaptureFile(directory.file("out/lif-1.pcap")) == kept)
  }

  @Test func `a filter that lets nothing in`() throws {
    var options = Files.learning(Files.demo)
    options.filter = "host 192.0.2.200"
    options.rounds = 3
    let run = try ReplayRun(options)
    run.expectEquations()
    #expect(run.summary[.packets] == 0 && run.summary.filteredOut == 3 * 1774 && run.summary.rounds == 3)
  }

  @Test func `a bad expression is named, with the capture`() {
    var options = ReplayOptions(captures: [Files.demo])
    options.filter = "tcp prot 80"
    let error = #expect(throws: ReplayError.self) { try Replay(options) }
    #expect(error?.code == .usage && error?.message.contains("\"tcp prot 80\": ") == true)
    #expect(error?.message.contains("syntax error") == true && error?.message.contains("demo.pcap") == true)
  }

  // MARK: Splits

  @Test(arguments: try Files.captures(), [1, 2])
  func `split by client and server: every packet once, each on its side`(name: String, workers: Int) throws {
    let directory = try TemporaryDirectory()
    var options = Files.learning(Files.capture(name), workers: workers)
    let whole = try ReplayRun(options)
    options.split = .clientServer
    options.writeDirectory = directory.path
    let run = try ReplayRun(options)
    run.expectEquations()
    #expect(run.totals == whole.totals)
    // What arrived on LIF 1 has left by LIF 2.
    let client = try CaptureFile(directory.file("lif-2.pcap")).packets
    let server = try CaptureFile(directory.file("lif-1.pcap")).packets
    let input = try CaptureFile(Files.capture(name)).packets
    #expect(client.count + server.count == input.count && !server.isEmpty)
    var rest: [CaptureFile.Packet: Int] = [:]
    for packet in input { rest[packet, default: 0] += 1 }
    for packet in client + server { rest[packet, default: 0] -= 1 }
    #expect(rest.values.allSatisfy { $0 == 0 })
  }

  @Test func `split with filter, rounds and workers`() throws {
    let directory = try TemporaryDirectory()
    func run(_ workers: Int, _ burst: Int) throws -> ReplayRun {
      var options = Files.learning(Files.demo, workers: workers)
      options.split = .prefixes([try #require(IPPrefix(text: "10.1.0.1"))])
      options.filter = "ip and udp"
      options.rounds = 2
      options.rate = .packetsPerSecond(1e8)
      options.burstLimit = burst
      options.writeDirectory = directory.file("out-\(workers)")
      return try ReplayRun(options)
    }
    let one = try run(1, 64), two = try run(2, 7)
    one.expectEquations()
    #expect(one.totals == two.totals && one.sessions == two.sessions && one.summary[.packets] > 0)
    for name in ["lif-1.pcap", "lif-2.pcap"] {
      #expect(try directory.read("out-1/\(name)") == directory.read("out-2/\(name)"))
    }
    // Sources inside the prefix came by LIF 1 and left by LIF 2.
    for (name, isInside) in [("lif-2.pcap", true), ("lif-1.pcap", false)] {
      let packets = try CaptureFile(directory.file("out-1/\(name)")).packets
      #expect(
        !packets.isEmpty && packets.allSatisfy { (Array($0.bytes[26..<30]) == [10, 1, 0, 1]) == isInside })
    }
  }

  @Test func `split takes the LIFs of two configured ports`() throws {
    let directory = try TemporaryDirectory()
    var options = ReplayOptions(captures: [Files.demo])
    options.configuration.ports = [
      Port(name: "in", lif: LIF(number: 10), peer: LIF(number: 20)),
      Port(name: "out", lif: LIF(number: 20), peer: LIF(number: 10), miss: .drop),
    ]
    options.split = .firstMAC
    options.writeDirectory = directory.path
    let run = try ReplayRun(options)
    run.expectEquations()
    #expect(directory.names() == ["drop.pcap", "lif-10.pcap", "lif-20.pcap"])
    let source = try CaptureFile(Files.demo).packets[0].bytes[6..<12]
    #expect(try CaptureFile(directory.file("lif-20.pcap")).packets.allSatisfy { $0.bytes[6..<12] == source })
    #expect(try CaptureFile(directory.file("drop.pcap")).packets.allSatisfy { $0.bytes[6..<12] != source })
  }

  @Test func `a split is refused where it has no meaning`() throws {
    func refusal(_ options: ReplayOptions) -> String {
      let error = #expect(throws: ReplayError.self) { try Replay(options) }
      #expect(error?.code == .usage)
      return error?.message ?? ""
    }
    var options = ReplayOptions(captures: [Files.demo, Files.demo])
    options.split = .clientServer
    #expect(refusal(options).contains("2 captures"))
    options = ReplayOptions(captures: [Files.capture("raw-ip")])
    options.split = .macs([MACAddress(1)])
    #expect(refusal(options).contains("link type 101"))
    options = ReplayOptions(captures: [Files.demo])
    options.split = .clientServer
    options.configuration.ports = [Port(name: "one", lif: LIF(number: 1))]
    #expect(refusal(options).contains("1 are configured"))
  }
}
