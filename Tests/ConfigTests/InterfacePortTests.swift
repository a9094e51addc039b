import Config
import PacketIO
import Testing

@Suite("Ports that are network interfaces")
struct InterfacePortTests {
  private func port(_ fields: String) throws -> Port {
    let text = "ports: [{ name: a, lif: 1, \(fields) }]"
    return try #require(try Configuration.parse(text, file: "x.yaml").ports.first)
  }

  @Test func `an interface with defaults`() throws {
    let live = AFPacketSettings(interface: "eth0")
    #expect(try port("interface: eth0").live == .afPacket(live))
    #expect(live.version == .v2)
    #expect(live.ringSize == 8 << 20)
    #expect(try port("kind: af_packet, interface: eth0").live == .afPacket(live))
    #expect(try port("capture: x.pcap").live == nil)
  }

  @Test func `a ring of one's own`() throws {
    var live = AFPacketSettings(interface: "eth0")
    #expect(try port("interface: eth0, ring: {}").live == .afPacket(live))
    live.version = .v3
    live.ringSize = 16 << 20
    live.blockTimeout = 5
    let fields = "interface: eth0, ring: { version: 3, size: 16777216, block_timeout: 5 }"
    #expect(try port(fields).live == .afPacket(live))
  }

  @Test func `who gets a packet`() throws {
    var live = AFPacketSettings(interface: "eth0")
    #expect(live.fanout == .sessions)
    #expect(try port("interface: eth0, fanout: sessions").live == .afPacket(live))
    live.fanout = .hash
    #expect(try port("interface: eth0, fanout: hash").live == .afPacket(live))
  }

  @Test func `a TAP interface`() throws {
    #expect(try port("kind: tap, interface: sluice0").live == .tap(TapSettings(interface: "sluice0")))
  }

  @Test func `AF_XDP with defaults and with all that it has`() throws {
    var live = AFXDPSettings(interface: "eth0")
    #expect(try port("kind: af_xdp, interface: eth0").live == .afXDP(live))
    #expect(live.mode == .auto)
    #expect(live.ringSize == 2048)
    live.mode = .generic
    live.ringSize = 4096
    let fields = "kind: af_xdp, interface: eth0, xdp: generic, ring: { packets: 4096 }"
    #expect(try port(fields).live == .afXDP(live))
  }

  @Test(arguments: [
    (
      "kind: af_packet",
      "ports[0].interface: is missing; accepted: the name of a network interface, as ip link shows it"
    ),
    ("kind: af_xdp2, interface: eth0", "ports[0].kind: \"af_xdp2\" is not one of af_packet, af_xdp, tap"),
    (
      "kind: tap, interface: tap%d",
      "ports[0].interface: \"tap%d\": the kernel would put a number for %; accepted: a name without it"
    ),
    ("kind: tap, interface: tap0, ring: {}", "ports[0].ring: is not of kind: tap; leave it out"),
    ("kind: tap, interface: tap0, xdp: auto", "ports[0].xdp: is of kind: af_xdp only; leave it out"),
    ("interface: eth0, xdp: native", "ports[0].xdp: is of kind: af_xdp only; leave it out"),
    ("interface: eth0, fanout: random", "ports[0].fanout: \"random\" is not one of sessions, hash"),
    ("fanout: hash", "ports[0].fanout: stands without kind: af_packet and an interface"),
    (
      "kind: af_xdp, interface: eth0, fanout: hash",
      "ports[0].fanout: is of kind: af_packet only; leave it out"
    ),
    ("kind: tap, interface: tap0, fanout: hash", "ports[0].fanout: is of kind: af_packet only; leave it out"),
    ("xdp: native", "ports[0].xdp: stands without kind: af_xdp and an interface"),
    (
      "kind: af_xdp, interface: eth0, ring: { packets: 1000 }",
      "ports[0].ring.packets: 1000 is not a power of two; accepted: 512, 1024 ... 32768"
    ),
    (
      "kind: af_xdp, interface: eth0, ring: { packets: 64 }",
      "ports[0].ring.packets: 64 is out of range; accepted: 512...32768"
    ),
    (
      "interface: eth0/1",
      "ports[0].interface: \"eth0/1\" is not an interface; accepted: the name of a network interface, as "
        + "ip link shows it"
    ),
    (
      "interface: a-name-too-long0",
      "ports[0].interface: \"a-name-too-long0\" is not an interface; accepted: the name of a network "
        + "interface, as ip link shows it"
    ),
    (
      "ring: { version: 2 }",
      "ports[0].ring: stands without interface: only a live port has a receive ring"
    ),
    ("interface: eth0, ring: { version: 1 }", "ports[0].ring.version: 1 is out of range; accepted: 2...3"),
    (
      "interface: eth0, ring: { size: 4096 }",
      "ports[0].ring.size: 4096 is out of range; accepted: 1048576...1073741824"
    ),
    (
      "interface: eth0, ring: { block_timeout: 1 }",
      "ports[0].ring.block_timeout: is of version 3 only; add version: 3, or leave it out"
    ),
    (
      "interface: eth0, memory: { flows: 1 }",
      "ports[0].interface: stands beside memory; keep one: a port receives from one source"
    ),
    (
      "interface: eth0, capture: x.pcap",
      "ports[0].interface: stands beside capture; keep one: a port receives from one source"
    ),
  ])
  func `what is refused`(fields: String, message: String) {
    let found = refusals("ports: [{ name: a, lif: 1, \(fields) }]")
    #expect(found.count == 1)
    #expect(found.first?.hasSuffix(": \(message)") == true, "\(found)")
  }

  @Test func `an interface is one port's`() {
    let found = refusals(
      "ports: [{ name: a, lif: 1, interface: eth0 }, { name: b, lif: 2, interface: eth0 }]")
    #expect(
      found == [
        "x.yaml:1:77: ports[1].interface: \"eth0\" is also the interface of ports[0]; accepted: one port each"
      ])
  }
}
