import Config
import Dataplane
import PacketIO
import Testing

@Suite("What ports receive from")
struct CaptureSettingsTests {
  private func captures(_ text: String) throws -> CaptureSettings {
    try Configuration.parse("captures: { \(text) }", file: "x.yaml").captures
  }

  @Test func `captures play once at their own pace unless said otherwise`() throws {
    let captures = try captures("")
    #expect(captures == CaptureSettings())
    #expect(captures.rate == .capture && captures.rounds == 1)
    #expect(captures.split == nil && captures.filter == nil)
  }

  @Test func `words are those of replay's options`() throws {
    let captures = try captures("rate: 1.5M, loop: 7, split: 'mac=02:00:00:00:00:01', filter: tcp port 443")
    #expect(captures.rate == .packetsPerSecond(1_500_000) && captures.rounds == 7)
    #expect(captures.split == .macs([MACAddress(0x0200_0000_0001)]) && captures.filter == "tcp port 443")
    #expect(try self.captures("rate: 100000").rate == .packetsPerSecond(100_000))
    #expect(try self.captures("loop: forever").rounds == nil)
    #expect(try self.captures("split: 10.0.0.0/8").split != nil)
  }

  @Test(arguments: [
    (
      "rate: fast",
      "1:19: captures.rate: \"fast\" is not a rate; accepted: max, capture, or packets a second such as "
        + "100000, 10k or 1.5M, at most 1000M"
    ),
    (
      "loop: 0",
      "1:19: captures.loop: \"0\" is not accepted; accepted: a number of rounds from 1, or forever"
    ),
    (
      "split: half",
      "1:20: captures.split: \"half\" is no address prefix such as 10.0.0.0/8 or 2001:db8::/32; accepted: "
        + "client-server, mac, mac=MAC[,MAC], or PREFIX[,PREFIX]"
    ),
    (
      "filter: ''",
      "1:21: captures.filter: \"\" is no filter; accepted: an expression of tcpdump such as "
        + "\"tcp port 443\""
    ),
    (
      "rate: [1]",
      "1:19: captures.rate: a list is not one value; accepted: max, capture, or packets a second "
        + "such as 100000, 10k or 1.5M, at most 1000M"
    ),
    (
      "loops: 1",
      "1:13: captures: unknown key \"loops\", did you mean \"loop\"? accepted: rate, loop, split, filter"
    ),
  ])
  func `wrong captures are refused`(fields: String, message: String) {
    #expect(refusals("captures: { \(fields) }") == ["x.yaml:" + message])
  }

  @Test func `memory has defaults, and room for a packet a flow`() throws {
    func memory(_ text: String) throws -> MemoryPort? {
      try Configuration.parse("ports: [{ name: a, lif: 1, memory: { \(text) } }]", file: "x.yaml")
        .ports.first?.memory
    }
    #expect(try memory("") == MemoryPort())
    #expect(try memory("flows: 100000")?.packets == 100_000)
    #expect(try memory("rate: 10k")?.rate == .packetsPerSecond(10_000))
    #expect(try Configuration.parse("ports: [{ name: a, lif: 1 }]", file: "x.yaml").ports[0].memory == nil)
  }

  @Test(arguments: [
    ("flows: 0", "flows: 0 is out of range; accepted: 1...1000000"),
    ("flows: 10, packets: 9", "packets: 9 is out of range; accepted: 10...10000000"),
    ("size: 63", "size: 63 is out of range; accepted: 64...9014"),
    (
      "rate: capture",
      "rate: \"capture\" is not a rate; accepted: max, or packets a second such as 100000, 10k or 1.5M, at "
        + "most 1000M"
    ),
    (
      "size: 9000, packets: 1000000",
      "packets: 1000000 packets of 9000 bytes are over 2 GiB; lower packets or size"
    ),
    ("seed: -1", "seed: -1 is out of range; accepted: 0...18446744073709551615"),
  ])
  func `wrong memory is refused`(fields: String, message: String) throws {
    let lines = refusals("ports: [{ name: a, lif: 1, memory: { \(fields) } }]")
    #expect(lines.count == 1)
    #expect(lines.first?.hasSuffix(": ports[0].memory.\(message)") == true, "\(lines)")
  }

  @Test func `a port receives from one source`() {
    #expect(
      refusals("ports: [{ name: a, lif: 1, capture: x, memory: { flows: 1 } }]") == [
        "x.yaml:1:48: ports[0].memory: stands beside capture; keep one: a port receives from one source"
      ])
  }
}
