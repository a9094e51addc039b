import Config
import Dataplane
import Foundation
import PacketIO
import Testing

/// The files of `configs/` as the repository has them.
enum Examples {
  static let directory = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../configs").standardized

  static func path(_ name: String) -> String { directory.appending(path: name).path }

  static func text(_ name: String) throws -> String {
    try String(contentsOfFile: path(name), encoding: .utf8)
  }
}

@Suite("Example configurations")
struct ExampleTests {
  @Test func `minimal`() throws {
    let configuration = try Configuration.load(path: Examples.path("minimal.yaml"))
    #expect(configuration.ports == [Port(name: "lan", lif: LIF(number: 1), miss: .learn)])
  }

  @Test func `two ports with VLAN and mirror`() throws {
    let configuration = try Configuration.load(path: Examples.path("two-ports.yaml"))
    #expect(configuration.ports.map(\.peer.number) == [2, 1])
    #expect(configuration.ports.first?.capture == Examples.path("inside.pcap"))
    #expect(configuration.workers == 2)
    #expect(configuration.neighbors.map(\.lif) == [LIF(number: 2), LIF(number: 2, vlan: 200)])
    #expect(configuration.sessions.map(\.action) == [.mirror, .forward])
    #expect(configuration.sessions.first?.inLIF == LIF(number: 1, vlan: 100))
    #expect(configuration.sessions.first?.nextHop == configuration.neighbors.first?.address)
  }

  @Test func `a bump in the wire between interfaces`() throws {
    let configuration = try Configuration.load(path: Examples.path("bump.yaml"))
    #expect(configuration.ports.map(\.peer.number) == [2, 1])
    #expect(configuration.ports.map(\.live?.interface) == ["eth1", "eth2"])
    #expect(configuration.ports.allSatisfy { $0.miss == .learn && $0.nonSession == .forward })
  }

  @Test func `a bump in the wire whose misses go to a TAP interface`() throws {
    let configuration = try Configuration.load(path: Examples.path("host-port.yaml"))
    #expect(configuration.ports.map(\.peer.number) == [2, 1, 1])
    #expect(configuration.ports.map(\.host?.number) == [3, nil, nil])
    #expect(configuration.ports[2].live == .tap(TapSettings(interface: "sluice0")))
  }

  @Test func `a bump in the wire by AF_XDP`() throws {
    let configuration = try Configuration.load(path: Examples.path("bump-xdp.yaml"))
    #expect(
      configuration.ports.map(\.live) == ["eth1", "eth2"].map { .afXDP(AFXDPSettings(interface: $0)) })
  }

  @Test func `a router`() throws {
    let configuration = try Configuration.load(path: Examples.path("router.yaml"))
    #expect(configuration.ports.map(\.addresses.count) == [2, 2])
    #expect(configuration.ports.allSatisfy { $0.miss == .route && $0.takesInterfaceMAC })
    #expect(configuration.routes.map(\.lif) == [2, 2])
  }

  @Test func `copies in GRE`() throws {
    let configuration = try Configuration.load(path: Examples.path("gre.yaml"))
    #expect(
      configuration.copies
        == .gre(sourceIPv4: IPAddress(text: "192.0.2.1"), sourceIPv6: IPAddress(text: "2001:db8::1")))
    #expect(configuration.sessions.map(\.action) == [.snoop, .drop])
  }

  @Test func `the demo of the daemon`() throws {
    let configuration = try Configuration.load(path: Examples.path("demo.yaml"))
    #expect(configuration.capacity == 100_000)
    #expect(configuration.ports.map(\.name) == ["clients", "servers"])
    #expect(configuration.ports.map(\.lif.number) == [1, 2])
    #expect(configuration.ports.map(\.peer.number) == [2, 1])
    #expect(configuration.ports.first?.capture == Examples.path("demo.pcap"))
    #expect(configuration.captures.split == .clientServer && configuration.captures.rate == .capture)
    #expect(configuration.captures.rounds == nil && configuration.captures.filter == nil)
    #expect(configuration.neighbors.map(\.address.family) == [.ipv4, .ipv6])
    #expect(configuration.api == APISettings())
  }

  @Test func `the demo of replay`() throws {
    let configuration = try Configuration.load(path: Examples.path("demo-replay.yaml"))
    #expect(configuration.ports.map(\.name) == ["demo"] && configuration.neighbors.count == 2)
    #expect(configuration.captures == CaptureSettings())
  }

  @Test func `a control API over TLS`() throws {
    let configuration = try Configuration.load(path: Examples.path("api.yaml"))
    let api = configuration.api
    #expect(api.socket == Examples.path("sluice.sock") && api.socketMode == 0o660 && api.socketGroup == nil)
    #expect(api.listeners.map(\.host) == ["127.0.0.1", "::1"] && api.listeners.map(\.port) == [3443, 3443])
    #expect(api.listeners.map(\.requiresClient) == [true, false])
    #expect(api.listeners.map(\.ipv4Encoding) == [nil, .host])
    #expect(api.listeners.first?.clientCA == Examples.path("clients.pem"))
    #expect(api.limits == APILimits())
    var memory = MemoryPort()
    (memory.flows, memory.packets, memory.seed) = (65_536, 262_144, 7)
    memory.rate = .packetsPerSecond(100_000)
    #expect(configuration.ports.map(\.memory) == [memory, nil])
  }

  @Test func `every example is among these`() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Examples.directory.path)
    #expect(
      names.filter { $0.hasSuffix(".yaml") }.sorted() == [
        "api.yaml", "bump-xdp.yaml", "bump.yaml", "demo-replay.yaml", "demo-sessions.yaml", "demo.yaml",
        "gre.yaml", "host-port.yaml", "minimal.yaml", "router.yaml", "sessions.yaml", "two-ports.yaml",
      ])
  }

  @Test func `the demo's sessions`() throws {
    #expect(try SessionsFile.load(path: Examples.path("demo-sessions.yaml")).count == 34)
  }

  @Test func `sessions file`() throws {
    let sessions = try SessionsFile.load(path: Examples.path("sessions.yaml"))
    #expect(sessions.map(\.id.rawValue) == [1, 2, 3])
    #expect(sessions.map(\.tuple.source.family) == [.ipv4, .ipv4, .ipv6])
  }
}

@Suite("Mutated examples")
struct MutationTests {
  @Test(arguments: [
    "minimal.yaml", "bump.yaml", "two-ports.yaml", "gre.yaml", "api.yaml", "demo.yaml", "sessions.yaml",
  ])
  func `are accepted or refused with a message, never anything else`(name: String) throws {
    let seed = Array(try Examples.text(name).utf8)
    var random = SplitMix64(seed: 0x5EED)
    for _ in 0..<4000 {
      let text = String(decoding: mutated(seed, &random), as: UTF8.self)
      let lines = name == "sessions.yaml" ? sessionRefusals(text) : refusals(text)
      #expect(lines.allSatisfy { $0.contains(": ") || $0.hasPrefix("and ") }, "\(text)")
    }
  }

  private func mutated(_ seed: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    var bytes = seed
    for _ in 0...random.next(below: 8) {
      let place = random.next(below: bytes.count)
      let length = random.next(below: min(40, bytes.count - place) + 1)
      switch random.next(below: 5) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.insert(contentsOf: tokens[random.next(below: tokens.count)].utf8, at: place)
      case 2: bytes.removeSubrange(place..<(place + length))
      case 3: bytes.insert(contentsOf: bytes[place..<(place + length)], at: random.next(below: bytes.count))
      default: bytes = Array(bytes.prefix(max(1, place)))
      }
      if bytes.isEmpty { bytes = [UInt8(ascii: "\n")] }
    }
    return bytes
  }

  private let tokens = [
    "- ", ": ", "? ", "\n", "  ", "\t", "[", "]", "{", "}", ",", "&a ", "*a", "!x ", "|\n", ">\n", "\"", "'",
    "#",
    "---\n", "...\n", "%YAML 1.1\n", "<<: ", "~", "0x", "-1", "99999999999999999999", "\u{85}", "\u{2028}",
    "\0",
    "\\", "\"\\u0000\"", "\"\\ud800\"", "\u{FEFF}", "é",
  ]
}
