import Config
import Dataplane
import Testing

@Suite("Ports and neighbours of a configuration")
struct PortTests {
  @Test func `defaults of a port`() throws {
    let ports = try Configuration.parse("ports: [{ name: a, lif: 258 }]", file: "x.yaml").ports
    let port = try #require(ports.first)
    #expect(port.lif == LIF(number: 258))
    #expect(port.peer == port.lif)
    #expect(port.mac.description == "02:00:00:00:01:02")
    #expect(port.capture == nil)
    #expect(port.miss == .forward)
    #expect(port.learnedAction == .forward)
    #expect(port.nonSession == .forward)
  }

  @Test func `two ports are peers, three are their own`() throws {
    let two = try Configuration.parse("ports: [{ name: a, lif: 1 }, { name: b, lif: 2 }]", file: "x.yaml")
    #expect(two.ports.map(\.peer.number) == [2, 1])
    let three = try Configuration.parse(
      "ports: [{ name: a, lif: 1 }, { name: b, lif: 2, peer: 3 }, { name: c, lif: 3 }]", file: "x.yaml")
    #expect(three.ports.map(\.peer.number) == [1, 3, 3])
    #expect(three.knownLIFs == [1, 2, 3])
  }

  @Test(arguments: [
    ("dir/x.yaml", "in.pcap", "dir/in.pcap"), ("x.yaml", "in.pcap", "in.pcap"),
    ("/etc/x.yaml", "../in.pcap", "/etc/../in.pcap"), ("dir/x.yaml", "/in.pcap", "/in.pcap"),
  ])
  func `relative capture starts at the configuration file`(file: String, capture: String, path: String) throws
  {
    let text = "ports: [{ name: a, lif: 1, capture: \(capture) }]"
    #expect(try Configuration.parse(text, file: file).ports.first?.capture == path)
  }

  @Test(arguments: [
    ("lif: 1", "1:10: ports[0].name: is missing; accepted: 1 to 64 letters, digits, \".\", \"_\" and \"-\""),
    ("name: a", "1:10: ports[0].lif: is missing; accepted: 1...65535"),
    ("name: a, lif: 0", "1:26: ports[0].lif: 0 is out of range; accepted: 1...65535"),
    (
      "name: 1, lif: 1",
      "1:18: ports[0].name: 1 is not text, quote it if it is meant; accepted: 1 to 64 letters, "
        + "digits, \".\", \"_\" and \"-\""
    ),
    (
      "name: a b, lif: 1",
      "1:18: ports[0].name: \"a b\" is not a name; accepted: 1 to 64 letters, digits, "
        + "\".\", \"_\" and \"-\""
    ),
    ("name: a, lif: 1, peer: 2", "1:35: ports[0].peer: LIF 2 is not configured; accepted: 1"),
    (
      "name: a, lif: 1, mac: 01:00:5e:00:00:01",
      "1:34: ports[0].mac: 01:00:5e:00:00:01 is a group address; accepted: one whose first octet is even"
    ),
    (
      "name: a, lif: 1, mac: 02:00:00:00:01",
      "1:34: ports[0].mac: \"02:00:00:00:01\" is not a MAC address such as 02:00:00:00:00:01"
    ),
    ("name: a, lif: 1, learn: mirror", "1:36: ports[0].learn: \"mirror\" is not one of forward, drop"),
    (
      "name: a, lif: 1, non_session: learn",
      "1:42: ports[0].non_session: \"learn\" is not one of forward, punt, drop"
    ),
    (
      "name: a, lif: 1, capture: ''",
      "1:38: ports[0].capture: \"\" is not a file name; accepted: the path of a capture file"
    ),
    (
      "name: a, lif: 1, capture: [x]",
      "1:38: ports[0].capture: a list is not text; accepted: the path of a capture file"
    ),
    (
      "name: a, lif: 1, mis: drop",
      "1:29: ports[0]: unknown key \"mis\", did you mean \"miss\"? accepted: name, "
        + "lif, peer, host, mac, kind, interface, ring, fanout, xdp, capture, memory, addresses, miss, "
        + "learn, non_session"
    ),
  ])
  func `wrong port is refused`(fields: String, message: String) {
    #expect(refusals("ports: [ { \(fields) } ]") == ["x.yaml:" + message])
  }

  @Test func `a host port's packets go to the port that it serves`() throws {
    func lifs(_ list: String) throws -> [[UInt16]] {
      try Configuration.parse("ports: [\(list)]", file: "x.yaml").ports.map {
        [$0.peer.number, $0.host?.number ?? 0]
      }
    }
    #expect(try lifs("{ name: a, lif: 1, host: h }, { name: h, lif: 2 }") == [[2, 2], [1, 0]])
    // A wire is one in spite of host ports.
    let wire = "{ name: a, lif: 1, host: g }, { name: b, lif: 2, host: h }"
    #expect(
      try lifs(wire + ", { name: g, lif: 3 }, { name: h, lif: 4 }") == [[2, 3], [1, 4], [1, 0], [2, 0]])
    let shared = "{ name: a, lif: 1, host: h }, { name: b, lif: 2, host: h }"
    #expect(try lifs(shared + ", { name: h, lif: 3, peer: 2 }") == [[2, 3], [1, 3], [2, 0]])
  }

  @Test(arguments: [
    (
      "{ name: a, lif: 1, host: x }, { name: b, lif: 2 }",
      "1:34: ports[0].host: \"x\" is not another port; accepted: b"
    ),
    (
      "{ name: a, lif: 1, host: a }", "1:34: ports[0].host: \"a\" is not another port; accepted: none"
    ),
    (
      "{ name: a, lif: 1, host: h }, { name: b, lif: 2, host: h }, { name: h, lif: 3 }",
      "1:64: ports[1].host: \"h\" is also the host port of ports[0]; accepted: a host port for each, or one "
        + "with a peer, which says where its packets go"
    ),
  ])
  func `wrong host port is refused`(list: String, message: String) {
    #expect(refusals("ports: [\(list)]") == ["x.yaml:" + message])
  }

  @Test func `duplicate names and LIFs are refused`() {
    let text = """
      ports:
        - { name: a, lif: 1 }
        - { name: a, lif: 1 }
      """
    #expect(
      refusals(text) == [
        "x.yaml:3:13: ports[1].name: \"a\" is also the name of ports[0]; accepted: unique names",
        "x.yaml:3:21: ports[1].lif: 1 is also the LIF of ports[0]; accepted: unique numbers",
      ])
  }

  @Test func `an unreadable port makes no further complaints about its LIF`() {
    let text = """
      ports:
        - { name: a, lif: "1" }
        - { name: b, lif: 2, peer: 1 }
      neighbors:
        - { address: 192.0.2.9, mac: 02:00:00:00:00:09, lif: 1 }
      """
    #expect(refusals(text).count == 1)
  }

  @Test func `neighbours are read`() throws {
    let configuration = try Configuration.parse(
      """
      neighbors:
        - { address: 192.0.2.9, mac: 02-00-00-00-00-0A, lif: 2 }
        - { address: 2001:db8::9, mac: 02:00:00:00:00:0b, lif: 3, vlan: 4094 }
      """, file: "x.yaml")
    #expect(
      configuration.neighbors == [
        Neighbor(
          address: IPAddress(ipv4: 0xC000_0209), mac: MACAddress(0x0200_0000_000A), lif: LIF(number: 2)),
        Neighbor(
          address: IPAddress(ipv6High: 0x2001_0DB8 << 32, low: 9), mac: MACAddress(0x0200_0000_000B),
          lif: LIF(number: 3, vlan: 4094)),
      ])
  }

  @Test(arguments: [
    (
      "address: 192.0.2, mac: 02:00:00:00:00:09, lif: 1",
      "address: \"192.0.2\" is not an address such as 192.0.2.1 or 2001:db8::1"
    ),
    (
      "address: 192.0.2.9, mac: 00:00:00:00:00:00, lif: 1",
      "mac: \"00:00:00:00:00:00\" is not a MAC address such as 02:00:00:00:00:01"
    ),
    ("address: 192.0.2.9, mac: 02:00:00:00:00:09", "lif: is missing; accepted: 1"),
    ("address: 192.0.2.9, mac: 02:00:00:00:00:09, lif: 7", "lif: LIF 7 is not configured; accepted: 1"),
    (
      "address: 192.0.2.9, mac: 02:00:00:00:00:09, lif: 1, vlan: 4095",
      "vlan: 4095 is out of range; accepted: 0...4094"
    ),
    (
      "mac: 02:00:00:00:00:09, lif: 1",
      "address: is missing; accepted: an address such as 192.0.2.1 or 2001:db8::1"
    ),
  ])
  func `wrong neighbour is refused`(fields: String, message: String) throws {
    let lines = refusals("ports: [{ name: a, lif: 1 }]\nneighbors: [{ \(fields) }]\n")
    #expect(lines.count == 1)
    #expect(lines.first?.hasSuffix(": neighbors[0].\(message)") == true, "\(lines)")
  }

  @Test func `one address twice is refused`() {
    let neighbor = "{ address: 192.0.2.9, mac: 02:00:00:00:00:09, lif: 1 }"
    #expect(
      refusals("neighbors:\n  - \(neighbor)\n  - \(neighbor)\n") == [
        "x.yaml:3:16: neighbors[1].address: 192.0.2.9 is also that of neighbors[0]; "
          + "accepted: unique addresses"
      ])
  }
}
