import Config
import Gateway
import Testing

@Suite("What a reload changes")
struct ReloadPlanTests {
  private static let two = """
    ports:
      - { name: a, lif: 1, interface: eth1, miss: learn }
      - { name: b, lif: 2, interface: eth2 }

    """

  private func plan(
    _ text: String, from running: String = two, places: [Int] = [0, 1], started: String? = nil
  ) throws -> ReloadPlan {
    try ReloadPlan(
      from: Configuration.parse(running, file: "r.yaml"), at: places,
      lastPlace: 1, started: Configuration.parse(started ?? running, file: "s.yaml"),
      to: Configuration.parse(text, file: "w.yaml"))
  }

  private func fields(_ text: String, from running: String = two) throws -> [String] {
    let (before, wanted) = (try parsed(running), try parsed(text))
    do throws(ReloadPlan.Refusal) {
      _ = try ReloadPlan(from: before, at: [0, 1], lastPlace: 1, started: before, to: wanted)
      return []
    } catch {
      return error.problems.map(\.field)
    }
  }

  private func parsed(_ text: String) throws -> Configuration {
    try Configuration.parse(text, file: "x.yaml")
  }

  @Test func `the same configuration changes nothing`() throws {
    let plan = try plan(Self.two + "# with a remark\n")
    #expect(plan.changes == [] && plan.opened == [] && plan.ended == [] && plan.places == [0, 1])
  }

  @Test func `policies, names and peers change in place`() throws {
    let plan = try plan(
      """
      ports:
        - { name: c, lif: 1, interface: eth1, miss: drop, peer: 1, mac: "02:00:00:00:00:77" }
        - { name: b, lif: 2, interface: eth2, learn: drop, non_session: punt }
      """)
    #expect(plan.opened == [] && plan.ended == [] && plan.places == [0, 1])
    #expect(
      plan.changes == [
        "port c (LIF 1) changed: name, was a; peer 1, was 2; miss drop, was learn; mac",
        "port b (LIF 2) changed: learn drop, was forward; non_session punt, was forward",
      ])
  }

  @Test func `a port is its LIF, wherever it stands`() throws {
    let plan = try plan(
      """
      ports:
        - { name: b, lif: 2, interface: eth2, peer: 1 }
        - { name: n, lif: 3, interface: eth3, peer: 1 }
        - { name: a, lif: 1, interface: eth1, miss: learn, peer: 2 }
      """)
    #expect(plan.places == [1, 2, 0] && plan.opened == [1] && plan.ended == [] && plan.taken == [2])
    #expect(plan.changes == ["port n (LIF 3) added"])
  }

  @Test func `a place that ends now is not taken at once`() throws {
    let plan = try plan(
      "ports: [{ name: n, lif: 3, interface: eth3 }, { name: b, lif: 2, interface: eth2, peer: 2 }]")
    #expect(plan.places == [2, 1] && plan.opened == [0] && plan.ended == [0] && plan.taken == [2])
    #expect(plan.changes.contains("port a (LIF 1) removed"))
  }

  @Test func `what a port receives from is opened anew where anything about it differs`() throws {
    for source in [
      "interface: eth3", "interface: eth1, ring: { version: 3 }", "capture: x.pcap", "memory: { flows: 2 }",
      "mac: '02:00:00:00:00:01'",
    ] {
      let plan = try plan(
        "ports: [{ name: a, lif: 1, miss: learn, \(source) }, { name: b, lif: 2, interface: eth2 }]")
      #expect(plan.places == [0, 1] && plan.opened == [0] && plan.ended == [0] && plan.taken == [])
    }
  }

  @Test func `memory arrives at both ends, so another peer is another source`() throws {
    let running = "ports: [{ name: a, lif: 1, memory: { flows: 2 }, peer: 1 }, { name: b, lif: 2 }]"
    let plan = try plan(running.replacing("peer: 1", with: "peer: 2"), from: running)
    #expect(plan.opened == [0] && plan.ended == [0])
  }

  @Test(arguments: [
    ("capacity: 5", ["capacity"]), ("workers: 2", ["workers"]), ("cores: [1, 2]", ["workers", "cores"]),
    ("polling: busy", ["polling"]), ("scheduler_policy: fifo", ["scheduler_policy", "scheduler_priority"]),
    ("mlockall: true\nprefault: false", ["mlockall", "prefault"]),
    ("warm_restart: { directory: /run/x }", ["warm_restart.directory"]),
    ("api: { socket: /tmp/x, socket_mode: '0600' }", ["api.socket", "api.socket_mode"]),
    ("api: { lif: opaque, report_deleted: true }", ["api.lif", "api.report_deleted"]),
    (
      "api: { limits: { connections: 3, idle_seconds: 2 } }",
      [
        "api.limits.connections", "api.limits.idle_seconds",
      ]
    ),
  ])
  func `what cannot change is named, all of it`(text: String, expected: [String]) throws {
    #expect(try fields(Self.two + text) == expected)
  }

  @Test(arguments: [
    ("timeouts: { learned_udp: 5 }", "timeouts changed"), ("tcp_control: punt", "tcp_control changed"),
    ("neighbors: [{ address: 192.0.2.1, mac: '02:00:00:00:00:01', lif: 1 }]", "neighbors changed"),
    ("copies: { encapsulation: gre, source: 192.0.2.7 }", "copies changed"),
    ("closed_retention: 7", "closed_retention changed"), ("captures: { rate: max }", "captures changed"),
    ("api: { limits: { sessions_per_stream: 3, page_size: 2 } }", "api.limits changed"),
  ])
  func `what can change is named`(text: String, expected: String) throws {
    #expect(try plan(Self.two + text).changes == [expected])
  }

  @Test func `captures that play go on as they do`() throws {
    let running = "ports: [{ name: a, lif: 1, capture: x.pcap }, { name: b, lif: 2 }]\n"
    #expect(try fields(running + "captures: { rate: max }", from: running) == ["captures"])
    let split = running + "captures: { split: mac }\n"
    let changed = split.replacing("x.pcap", with: "y.pcap")
    #expect(try fields(changed, from: split) == ["ports"])
  }

  @Test func `an interface needs what was kept at the start`() throws {
    let xdp = Self.two.replacing("interface: eth2", with: "interface: eth3, kind: af_xdp")
    #expect(try fields(xdp) == ["ports[1].interface"])
    let started = Self.two.replacing("interface: eth2", with: "interface: eth9, kind: af_xdp")
    #expect(try plan(xdp, started: started).opened == [1])
    let none = "ports: [{ name: a, lif: 1 }, { name: b, lif: 2 }]"
    #expect(try fields(Self.two, from: none) == ["ports[0].interface", "ports[1].interface"])
  }

  @Test func `AF_XDP is not opened where a port is`() throws {
    let running = Self.two.replacing("interface: eth2", with: "interface: eth2, kind: af_xdp")
    #expect(
      try fields(running.replacing("kind:", with: "xdp: generic, kind:"), from: running)
        == ["ports[1].interface"])
    #expect(try plan(Self.two, from: running).opened == [1])
  }

  @Test func `there are places for so many ports`() throws {
    let many = (1...200).map { "  - { name: p\($0), lif: \($0) }" }.joined(separator: "\n")
    let others = (301...400).map { "  - { name: p\($0), lif: \($0) }" }.joined(separator: "\n")
    let running = try parsed("ports:\n\(many)\n")
    #expect(throws: ReloadPlan.Refusal.self) {
      try ReloadPlan(
        from: running, at: Array(0..<200), lastPlace: 199, started: running,
        to: try parsed("ports:\n\(others)\n"))
    }
  }
}
