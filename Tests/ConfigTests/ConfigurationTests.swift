import Config
import Dataplane
import Testing

@Suite("Configuration")
struct ConfigurationTests {
  @Test(arguments: [
    "", "\n\n", "# nothing\n", "---\n", "~\n", "ports:\nsessions:\ntimeouts:\ncopies:\ncaptures:\napi:\n",
    "api:\n  listen:\n  limits:\n",
  ])
  func `an empty file gives the defaults`(text: String) throws {
    let configuration = try Configuration.parse(text, file: "x.yaml")
    #expect(configuration == Configuration())
    #expect(configuration.capacity == 1_000_000)
    #expect(configuration.closedRetention == 65_536)
    #expect(configuration.workers == 1)
    #expect(configuration.tcpControl == .track)
    #expect(configuration.copies == .ethernet)
    #expect(configuration.knownLIFs == nil)
  }

  @Test func `every key is honoured`() throws {
    let configuration = try Configuration.parse(
      """
      capacity: 4000000000
      closed_retention: 0
      workers: 64
      tcp_control: punt
      timeouts: { learned_tcp: 1, learned_handshake: 2, learned_udp: 3, closing: 4, linger: 5,
        cache_default: 6, cache_maximum: 7 }
      copies: { encapsulation: gre, source: 192.0.2.1 }
      """, file: "x.yaml")
    #expect(configuration.capacity == 4_000_000_000)
    #expect(configuration.closedRetention == 0)
    #expect(configuration.workers == 64)
    #expect(configuration.tcpControl == .punt)
    var timeouts = Timeouts()
    timeouts.learnedTCP = 1
    timeouts.learnedHandshake = 2
    timeouts.learnedUDP = 3
    timeouts.closing = 4
    timeouts.linger = 5
    timeouts.cacheDefault = 6
    timeouts.cacheMaximum = 7
    #expect(configuration.timeouts == timeouts)
    #expect(configuration.copies == .gre(sourceIPv4: IPAddress(text: "192.0.2.1"), sourceIPv6: nil))
  }

  @Test func `unknown key is refused with the nearest and all accepted ones`() {
    #expect(
      refusals("worker: 2\n") == [
        "x.yaml:1:1: unknown key \"worker\", did you mean \"workers\"? accepted: capacity, closed_retention, "
          + "workers, tcp_control, timeouts, ports, neighbors, routes, copies, captures, api, "
          + "warm_restart, sessions, cores, polling, idle_budget_us, scheduler_policy, scheduler_priority, "
          + "mlockall, prefault"
      ])
    #expect(
      refusals("timeouts:\n  zzzzzz: 1\n") == [
        "x.yaml:2:3: timeouts: unknown key \"zzzzzz\"; accepted: learned_tcp, learned_handshake, "
          + "learned_udp, closing, linger, cache_default, cache_maximum"
      ])
  }

  @Test func `duplicate key is refused where it stands the second time`() {
    #expect(
      refusals("workers: 1\ncapacity: 5\nworkers: 2\n") == [
        "x.yaml:3:1: key \"workers\" is given twice in one mapping, first at line 1; keep one"
      ])
    #expect(
      refusals("timeouts: { linger: 1, linger: 2 }\n") == [
        "x.yaml:1:24: key \"linger\" is given twice in one mapping, first at line 1; keep one"
      ])
  }

  @Test(arguments: [
    ("\"2\"", "\"2\" is text, write the integer without quotes; accepted: 1...64"),
    ("'2'", "\"2\" is text, write the integer without quotes; accepted: 1...64"),
    ("2.0", "\"2.0\" is not an integer; accepted: 1...64"),
    ("1e1", "\"1e1\" is not an integer; accepted: 1...64"),
    ("-1", "-1 is out of range; accepted: 1...64"),
    ("0", "0 is out of range; accepted: 1...64"),
    ("65", "65 is out of range; accepted: 1...64"),
    ("99999999999999999999999", "99999999999999999999999 is out of range; accepted: 1...64"),
    ("true", "\"true\" is not an integer; accepted: 1...64"),
    ("02", "02 has a leading zero, write it without; accepted: 1...64"),
    ("two", "\"two\" is not an integer; accepted: 1...64"),
    ("", "an empty value is not an integer; accepted: 1...64"),
    ("[2]", "a list is not an integer; accepted: 1...64"),
    ("{}", "a mapping is not an integer; accepted: 1...64"),
  ])
  func `wrong integer is refused`(value: String, message: String) {
    let column = value.isEmpty ? 9 : 10
    #expect(refusals("workers: \(value)\n") == ["x.yaml:1:\(column): workers: \(message)"])
  }

  @Test func `hexadecimal integer is accepted`() throws {
    #expect(try Configuration.parse("workers: 0x1F", file: "x.yaml").workers == 31)
  }

  @Test func `range of every number is enforced`() {
    #expect(refusals("capacity: 4000000001").first?.hasSuffix("accepted: 1...4000000000") == true)
    #expect(refusals("capacity: 0").count == 1)
    #expect(refusals("closed_retention: 4000000001").count == 1)
    for key in ["learned_tcp", "learned_handshake", "learned_udp", "closing", "linger"] {
      #expect(refusals("timeouts: { \(key): 0 }").count == 1)
      #expect(refusals("timeouts: { \(key): 31536001 }").count == 1)
      #expect(refusals("timeouts: { \(key): 31536000 }").isEmpty)
    }
  }

  @Test func `contradicting timeouts are refused`() {
    #expect(
      refusals("timeouts:\n  cache_default: 20\n  cache_maximum: 15\n") == [
        "x.yaml:2:18: timeouts.cache_default: cache_default 20 is above cache_maximum 15; "
          + "lower one or raise the other"
      ])
    #expect(
      refusals("timeouts: { cache_maximum: 5 }").first?.hasPrefix("x.yaml:1:28: timeouts.cache_max") == true)
  }

  @Test(arguments: [
    ("workers", "x.yaml:1:1: \"workers\" is not a mapping; accepted: the keys capacity"),
    ("- 1", "x.yaml:1:1: a list is not a mapping; accepted: the keys capacity"),
    ("ports: 5", "x.yaml:1:8: ports: \"5\" is not a list; accepted: one \"- \" entry a line, or []"),
    ("ports: [5]", "x.yaml:1:9: ports[0]: \"5\" is not a mapping; accepted: the keys name"),
    ("? [a]\n: 1", "x.yaml:1:3: a list is not a key; accepted: capacity"),
    ("tcp_control: Track", "x.yaml:1:14: tcp_control: \"Track\" is not one of track, punt"),
    ("tcp_control: [track]", "x.yaml:1:14: tcp_control: a list is not one of track, punt"),
  ])
  func `wrong shape is refused`(text: String, start: String) {
    let lines = refusals(text)
    #expect(lines.count == 1)
    #expect(lines.first?.hasPrefix(start) == true, "\(lines)")
  }

  @Test(arguments: [
    (
      "copies: { encapsulation: gre }",
      "1:26: copies.encapsulation: gre needs the address its packets come from; "
        + "add source (IPv4), source_ipv6 or both"
    ),
    (
      "copies: { source: 192.0.2.1 }",
      "1:19: copies.source: is for GRE only; add encapsulation: gre or remove it"
    ),
    (
      "copies: { encapsulation: gre, source: 2001:db8::1 }",
      "1:39: copies.source: \"2001:db8::1\" is not an IPv4 address such as 192.0.2.1"
    ),
    (
      "copies: { encapsulation: gre, source_ipv6: 192.0.2.1 }",
      "1:44: copies.source_ipv6: \"192.0.2.1\" is not an IPv6 address such as 2001:db8::1"
    ),
    ("copies: { encapsulation: vxlan }", "1:26: copies.encapsulation: \"vxlan\" is not one of ethernet, gre"),
  ])
  func `wrong copies are refused`(text: String, message: String) {
    #expect(refusals(text) == ["x.yaml:" + message])
  }

  @Test func `all problems are reported in file order`() {
    let text = """
      workers: 0
      ports:
        - name: a
          lif: 70000
          miss: learnn
      tcp_control: no
      """
    #expect(
      refusals(text) == [
        "x.yaml:1:10: workers: 0 is out of range; accepted: 1...64",
        "x.yaml:4:10: ports[0].lif: 70000 is out of range; accepted: 1...65535",
        "x.yaml:5:11: ports[0].miss: \"learnn\" is not one of punt, forward, drop, learn, route",
        "x.yaml:6:14: tcp_control: \"no\" is not one of track, punt",
      ])
  }

  @Test func `after twenty problems the rest is counted`() {
    let lines = refusals("ports:\n" + String(repeating: "  - 5\n", count: 50))
    #expect(lines.count == 21)
    #expect(lines.last == "and 30 more")
  }
}
