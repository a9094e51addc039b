import Config
import Dataplane
import Testing

@Suite("Session entries")
struct SessionEntryTests {
  @Test func `all fields are honoured`() throws {
    let request = try session([
      "session_id": "7", "inlif": "1", "invlan": "100", "outlif": "0x00C80002", "ipversion": "_IPV4",
      "protocolid": "17", "action": "{ actiontype: mirror, actionnexthopv6: 2001:db8::9 }",
      "cachetimeout": "30",
    ])
    let tuple = FiveTuple(
      source: IPAddress(ipv4: 0x0A00_0001), sourcePort: 1234, destination: IPAddress(ipv4: 0x0A00_0002),
      destinationPort: 80, transport: .udp)
    #expect(
      request
        == SessionRequest(
          id: SessionID(7), inLIF: LIF(number: 1, vlan: 100), outLIF: LIF(number: 2, vlan: 200), tuple: tuple,
          action: .mirror, nextHop: IPAddress(ipv6High: 0x2001_0DB8 << 32, low: 9), cacheTimeout: 30))
  }

  @Test func `defaults`() throws {
    let request = try #require(try session())
    #expect(request.id == .unassigned)
    #expect(request.inLIF == .any)
    #expect(request.outLIF == .any)
    #expect(request.cacheTimeout == 0)
    #expect(request.nextHop == nil)
  }

  @Test(arguments: ["TCP", "tcp", "_TCP", "6", "_tcp"])
  func `spellings of TCP`(text: String) throws {
    #expect(try session(["protocolid": text])?.tuple.transport == .tcp)
  }

  @Test(arguments: [
    "FORWARD", "_FORWARD", "forward", "{ actiontype: FORWARD }",
    "{ actiontype: _FORWARD, actionnexthop: 12.2.3.4 }", "{ actiontype: FORWARD, actionnexthop: nonsense }",
  ])
  func `FORWARD in every spelling, next hop ignored`(text: String) throws {
    let request = try session(["action": text])
    #expect(request?.action == .forward)
    #expect(request?.nextHop == nil)
  }

  @Test func `IPv6 under either key`() throws {
    let one = try session([
      "sourceip": "\"2001:db8::1\"", "destinationip": "\"2001:db8::2\"", "ipversion": "ipv6",
    ])
    let other = try session([
      "sourceip": nil, "destinationip": nil, "sourceipv6": "\"2001:db8::1\"",
      "destinationipv6": "\"2001:db8::2\"",
    ])
    #expect(one != nil)
    #expect(one == other)
  }

  @Test(
    arguments: [
      (
        ["session_id": "4611686018427387904"],
        "session_id: 4611686018427387904 is out of range; accepted: 0...4611686018427387903"
      ),
      (
        ["session_id": "\"1\""],
        "session_id: \"1\" is text, write the integer without quotes; accepted: 0...4611686018427387903"
      ),
      (["inlif": "4294967296"], "inlif: 4294967296 is out of range; accepted: 0...4294967295"),
      (["inlif": "0xFFFF0001"], "inlif: VLAN 65535 in the high 16 bits is out of range; accepted: 0...4094"),
      (
        ["inlif": "0x00640001", "invlan": "101"],
        "invlan: 101 contradicts VLAN 100 in the high 16 bits of inlif; keep one of them"
      ),
      (["invlan": "4095"], "invlan: 4095 is out of range; accepted: 0...4094"),
      (["outlif": "9"], "outlif: LIF 9 is not configured; accepted: 0 (any), 1, 2"),
      (["ipversion": "IPV6"], "ipversion: is IPv6, but sourceip 10.0.0.1 is IPv4"),
      (["ipversion": "4"], "ipversion: \"4\" is not one of IPV4, IPV6"),
      (["sourceip": nil], "sourceip: is missing; accepted: an address such as 192.0.2.1 or 2001:db8::1"),
      (
        ["sourceip": "10.0.0.256"],
        "sourceip: \"10.0.0.256\" is not an address such as 192.0.2.1 or 2001:db8::1"
      ),
      (["sourceip": "[10]"], "sourceip: a list is not an address such as 192.0.2.1 or 2001:db8::1"),
      (["sourceipv6": "\"2001:db8::1\""], "sourceipv6: is given beside sourceip; keep one of them"),
      (
        ["sourceip": nil, "sourceipv6": "10.0.0.1"],
        "sourceipv6: \"10.0.0.1\" is not an IPv6 address such as 2001:db8::1"
      ),
      (
        ["destinationip": "\"2001:db8::2\""],
        "destinationip: 2001:db8::2 is not IPv4, which sourceip 10.0.0.1 is"
      ),
      (["sourceport": nil], "sourceport: is missing; accepted: 0...65535"),
      (["sourceport": "65536"], "sourceport: 65536 is out of range; accepted: 0...65535"),
      (["destinationport": "http"], "destinationport: \"http\" is not an integer; accepted: 0...65535"),
      (["protocolid": nil], "protocolid: is missing; accepted: TCP, UDP, 6, 17"),
      (["protocolid": "ICMP"], "protocolid: \"ICMP\" is not one of TCP, UDP, 6, 17"),
      (["protocolid": "0"], "protocolid: \"0\" is not one of TCP, UDP, 6, 17"),
      (["action": nil], "action: is missing; accepted: DROP, FORWARD, MIRROR, SNOOP"),
      (["action": "ALLOW"], "action: \"ALLOW\" is not one of DROP, FORWARD, MIRROR, SNOOP"),
      (
        ["action": "MIRROR"],
        "action: MIRROR needs a next hop: { actiontype: MIRROR, actionnexthop: ADDRESS }"
      ),
      (
        ["action": "{ actiontype: SNOOP }"],
        "action.actionnexthop: is missing; accepted: the address that SNOOP copies go to"
      ),
      (["action": "{}"], "action.actiontype: is missing; accepted: DROP, FORWARD, MIRROR, SNOOP"),
      (
        ["action": "{ actiontype: MIRROR, actionnexthop: 1.2.3.4, actionnexthopv6: '::1' }"],
        "action.actionnexthopv6: is given beside actionnexthop; keep one of them"
      ),
      (
        ["action": "[DROP]"],
        "action: a list is not a mapping; accepted: the keys actiontype, actionnexthop, actionnexthopv6"
      ),
      (
        ["action": "{ actiontyp: DROP }"],
        "action.actiontype: is missing; accepted: DROP, FORWARD, MIRROR, SNOOP"
      ),
      (["cachetimeout": "86401"], "cachetimeout: 86401 is out of range; accepted: 0...86400"),
    ] as [(KeyValuePairs<String, String?>, String)])
  func `wrong field is refused`(changes: KeyValuePairs<String, String?>, message: String) {
    let lines = sessionRefusals(entry(changes), knownLIFs: [1, 2])
    #expect(lines.contains { $0.hasSuffix(": sessions[0].\(message)") }, "\(lines)")
  }

  @Test func `position is the value's`() {
    #expect(
      sessionRefusals("# a comment\n- sourceport: 70000\n  sourceip: 10.0.0.1\n").first
        == "s.yaml:2:3: sessions[0].destinationip: is missing; "
        + "accepted: an address such as 192.0.2.1 or 2001:db8::1"
    )
    #expect(
      sessionRefusals("# a comment\n" + entry(["sourceport": "70000"])) == [
        "s.yaml:2:37: sessions[0].sourceport: 70000 is out of range; accepted: 0...65535"
      ])
  }

  @Test func `cachetimeout is bounded by the configured maximum`() {
    let text = "timeouts: { cache_maximum: 20 }\nsessions:\n" + entry(["cachetimeout": "21"])
    #expect(refusals(text).first?.hasSuffix("cachetimeout: 21 is out of range; accepted: 0...20") == true)
  }

  @Test func `sessions of a configuration may name only its ports' LIFs`() {
    let text = "ports: [{ name: a, lif: 5 }]\nsessions:\n" + entry(["inlif": "1"])
    #expect(refusals(text).first?.hasSuffix("inlif: LIF 1 is not configured; accepted: 0 (any), 5") == true)
  }
}

@Suite("Sessions that contradict each other")
struct SessionConflictTests {
  @Test func `one id twice is refused`() {
    let text = entry(["session_id": "5"]) + entry(["session_id": "5", "sourceport": "9"])
    #expect(
      sessionRefusals(text) == [
        "s.yaml:2:3: sessions[1].session_id: 5 is also the id of sessions[0]; accepted: unique ids, or 0"
      ])
    #expect(
      sessionRefusals(entry(["session_id": "0"]) + entry(["session_id": "0", "sourceport": "9"])).isEmpty)
  }

  @Test func `one tuple twice is refused, in either direction`() {
    let reversed = entry([
      "sourceip": "10.0.0.2", "sourceport": "80", "destinationip": "10.0.0.1", "destinationport": "1234",
    ])
    let message =
      "s.yaml:2:3: sessions[1].sourceip: this 5-tuple is also that of sessions[0], on LIFs that overlap; "
      + "keep one of them"
    #expect(sessionRefusals(entry() + entry()) == [message])
    #expect(sessionRefusals(entry() + reversed) == [message])
    #expect(sessionRefusals(entry() + entry(["protocolid": "UDP"])).isEmpty)
  }

  @Test func `one tuple on LIFs apart is accepted`() {
    let first = entry(["inlif": "1", "outlif": "2"])
    #expect(sessionRefusals(first + entry(["inlif": "3", "outlif": "4"])).isEmpty)
    #expect(
      sessionRefusals(first + entry(["inlif": "1", "invlan": "5", "outlif": "2", "outvlan": "5"])).isEmpty)
    #expect(sessionRefusals(first + entry(["inlif": "1", "outlif": "4"])).count == 1)
    #expect(sessionRefusals(first + entry()).count == 1)
    #expect(sessionRefusals(first + entry(["inlif": "3", "outlif": "0"])).count == 1)
  }

  @Test func `reversed tuple is compared with the LIFs reversed`() {
    let first = entry(["inlif": "1", "outlif": "2"])
    let swap: KeyValuePairs<String, String?> = [
      "sourceip": "10.0.0.2", "sourceport": "80", "destinationip": "10.0.0.1", "destinationport": "1234",
      "inlif": "1", "outlif": "2",
    ]
    #expect(sessionRefusals(first + entry(swap)).isEmpty)
  }

  @Test func `sessions loaded before count`() throws {
    let before = try SessionsFile.parse(entry(["session_id": "5"]), file: "a.yaml")
    #expect(
      sessionRefusals(entry(["session_id": "5"]), besides: before) == [
        "s.yaml:1:3: sessions[0].session_id: 5 is also the id of a session loaded before; "
          + "accepted: unique ids, or 0"
      ])
  }
}
