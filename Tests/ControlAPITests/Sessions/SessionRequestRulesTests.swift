import Config
import ControlAPI
import Dataplane
import Testing

/// semantics 2.2.2 and the decisions A1, A3, A14, A15, A16 and A20, field by field.
@Suite struct SessionRequestRulesTests {
  private static let ports = [Port(name: "a", lif: LIF(rawValue: 1)), Port(name: "b", lif: LIF(rawValue: 2))]

  private static func rules(_ policy: LIFPolicy = .strict, ports: [Port] = ports) -> SessionRequestRules {
    var configuration = Configuration()
    configuration.ports = ports
    configuration.api.lifPolicy = policy
    return SessionRequestRules(configuration)
  }

  /// 10.0.0.1:1234 to 10.0.0.2:443 as `inet_pton` clients send it.
  private static let good: SessionRequestFields = {
    var fields = SessionRequestFields()
    fields.sessionID = 5
    fields.inLIF = 1
    fields.outLIF = 2
    fields.sourceIPv4 = 0x0100_000A
    fields.destinationIPv4 = 0x0200_000A
    fields.sourcePort = 1234
    fields.destinationPort = 443
    fields.protocolID = 6
    fields.hasAction = true
    fields.actionType = 1
    return fields
  }()

  private func request(
    _ policy: LIFPolicy = .strict, ipv4: IPv4Encoding = .inetPton,
    _ change: (inout SessionRequestFields) -> Void = { _ in }
  ) throws(SessionRequestProblem) -> SessionRequest {
    var fields = Self.good
    change(&fields)
    return try Self.rules(policy).request(fields, ipv4: ipv4)
  }

  @Test func `a plain request is accepted as it is`() throws {
    let tuple = FiveTuple(
      source: IPAddress(ipv4: 0x0A00_0001), sourcePort: 1234, destination: IPAddress(ipv4: 0x0A00_0002),
      destinationPort: 443, transport: .tcp)
    let expected = SessionRequest(
      id: SessionID(5), inLIF: LIF(number: 1), outLIF: LIF(number: 2), tuple: tuple, action: .forward)
    #expect(try request() == expected)
  }

  @Test func `A1: the encoding says which byte of the address is the first`() throws {
    #expect(try request(ipv4: .inetPton).tuple.source == IPAddress(ipv4: 0x0A00_0001))
    #expect(try request(ipv4: .host).tuple.source == IPAddress(ipv4: 0x0100_000A))
    #expect(try request(ipv4: .host).tuple.destination == IPAddress(ipv4: 0x0200_000A))
    let mirror = { (fields: inout SessionRequestFields) in
      fields.actionType = 2
      fields.nextHopIPv4 = 0x0403_020C
    }
    #expect(try request(ipv4: .inetPton, mirror).nextHop == IPAddress(ipv4: 0x0C02_0304))
    #expect(try request(ipv4: .host, mirror).nextHop == IPAddress(ipv4: 0x0403_020C))
  }

  @Test func `an IPv6 request has its addresses in network order`() throws {
    let request = try request {
      $0.ipVersion = 1
      ($0.sourceIPv4, $0.destinationIPv4) = (0, 0)
      $0.sourceIPv6 = AddressBytes(hex("20010db8000000000000000000000001").span)
      $0.destinationIPv6 = AddressBytes(hex("20010db80000000000000000000000ff").span)
      $0.protocolID = 17
    }
    #expect(request.tuple.source == IPAddress(ipv6High: 0x2001_0DB8_0000_0000, low: 1))
    #expect(request.tuple.destination == IPAddress(ipv6High: 0x2001_0DB8_0000_0000, low: 0xFF))
    #expect(request.tuple.transport == .udp)
  }

  @Test(arguments: [(0, 0), (1, 1), (1 << 62 - 1, 1 << 62 - 1)] as [(UInt64, UInt64)])
  func `A2: ids below 2^62 are the client's, 0 leaves it to the server`(_ id: UInt64, _ expected: UInt64)
    throws
  {
    #expect(try request { $0.sessionID = id }.id == SessionID(expected))
  }

  @Test func `A14: the low 16 bits are the LIF, the high 16 bits the VLAN`() throws {
    let vlans = try request {
      $0.inLIF = 100 << 16 | 1
      $0.outLIF = 4094 << 16 | 2
    }
    #expect(vlans.inLIF == LIF(number: 1, vlan: 100))
    #expect(vlans.outLIF == LIF(number: 2, vlan: 4094))
    let opaque = try request(.opaque) {
      $0.inLIF = 0
      $0.outLIF = 9
    }
    #expect(opaque.inLIF == .any)
    #expect(opaque.outLIF == LIF(number: 9))
  }

  @Test(arguments: [0, 1] as [Int32])
  func `A15: a next hop of DROP and FORWARD says nothing`(_ action: Int32) throws {
    let request = try request {
      $0.actionType = action
      $0.nextHopIPv4 = 0x0403_020C
      $0.nextHopIPv6 = AddressBytes([1, 2, 3].span)
    }
    #expect(request.nextHop == nil)
    #expect(request.action.rawValue == UInt8(action))
  }

  @Test func `A19: MIRROR and SNOOP have a next hop of either family`() throws {
    let mirror = try request {
      $0.actionType = 2
      $0.nextHopIPv4 = 0x0403_020C
    }
    #expect(mirror.action == .mirror)
    #expect(mirror.nextHop == IPAddress(ipv4: 0x0C02_0304))
    let snoop = try request {
      $0.actionType = 3
      $0.nextHopIPv6 = AddressBytes(hex("fe800000000000000000000000000009").span)
    }
    #expect(snoop.action == .snoop)
    #expect(snoop.nextHop == IPAddress(ipv6High: 0xFE80_0000_0000_0000, low: 9))
  }

  @Test(arguments: [0, 1, 86_400] as [UInt32])
  func `A16: timeouts up to the largest are taken, 0 as the default`(_ seconds: UInt32) throws {
    #expect(try request { $0.cacheTimeout = seconds }.cacheTimeout == seconds)
  }

  @Test func `addresses and ports of 0 are addresses and ports`() throws {
    // The Go client of OpenOffload sends them.
    let request = try request {
      ($0.destinationIPv4, $0.sourcePort) = (0, 0)
    }
    #expect(request.tuple.destination == IPAddress(ipv4: 0))
    #expect(request.tuple.sourcePort == 0)
  }

  struct Refusal: CustomTestStringConvertible {
    let text: String
    let change: @Sendable (inout SessionRequestFields) -> Void
    var testDescription: String { text }

    init(_ text: String, _ change: @escaping @Sendable (inout SessionRequestFields) -> Void) {
      self.text = text
      self.change = change
    }
  }

  private static let ipv6 = AddressBytes(hex("20010db8000000000000000000000001").span)

  private static let refusals: [Refusal] = [
    Refusal("session_id 9223372036854775808 is a page cursor; accepted: 0 (the server assigns) to 2^62-1") {
      $0.sessionID = 1 << 63
    },
    Refusal(
      "session_id 4611686018427387904 has bit 62 set, which only the server's ids have; accepted: 0 to 2^62-1"
    ) { $0.sessionID = 1 << 62 },
    Refusal("inlif names LIF 3, which is not configured; accepted: 1, 2") { $0.inLIF = 3 },
    Refusal("outlif names LIF 0, which is not configured; accepted: 1, 2") { $0.outLIF = 0 },
    Refusal("outlif names LIF 65535, which is not configured; accepted: 1, 2") { $0.outLIF = -1 },
    Refusal("inlif has VLAN 4095 in its high 16 bits; accepted: 0 (untagged) to 4094") {
      $0.inLIF = 4095 << 16 | 1
    },
    Refusal("inlif has VLAN 65535 in its high 16 bits; accepted: 0 (untagged) to 4094") {
      $0.inLIF = -65_535
    },
    Refusal("ipversion 2 is not known; accepted: 0 (_IPV4), 1 (_IPV6)") { $0.ipVersion = 2 },
    Refusal("ipversion -1 is not known; accepted: 0 (_IPV4), 1 (_IPV6)") { $0.ipVersion = -1 },
    Refusal("sourceipv6 has 16 bytes, but ipversion is _IPV4; leave it empty") { $0.sourceIPv6 = ipv6 },
    Refusal("destinationipv6 has 1 bytes, but ipversion is _IPV4; leave it empty") {
      $0.destinationIPv6 = AddressBytes([0].span)
    },
    Refusal("sourceip is 16777226, but ipversion is _IPV6; leave it 0") { $0.ipVersion = 1 },
    Refusal("destinationip is 33554442, but ipversion is _IPV6; leave it 0") {
      $0.ipVersion = 1
      $0.sourceIPv4 = 0
    },
    Refusal("sourceipv6 has 0 bytes; an IPv6 address has 16") {
      ($0.ipVersion, $0.sourceIPv4, $0.destinationIPv4) = (1, 0, 0)
    },
    Refusal("destinationipv6 has 17 bytes; an IPv6 address has 16") {
      ($0.ipVersion, $0.sourceIPv4, $0.destinationIPv4) = (1, 0, 0)
      $0.sourceIPv6 = ipv6
      $0.destinationIPv6 = AddressBytes([UInt8](repeating: 0, count: 17).span)
    },
    Refusal("sourceport 65536 is above 65535") { $0.sourcePort = 65_536 },
    Refusal("destinationport 4294967295 is above 65535") { $0.destinationPort = .max },
    Refusal("protocolid is not set; accepted: 6 (_TCP), 17 (_UDP)") { $0.protocolID = 0 },
    Refusal("protocolid 1 is not known; accepted: 6 (_TCP), 17 (_UDP)") { $0.protocolID = 1 },
    Refusal("protocolid 262 is not known; accepted: 6 (_TCP), 17 (_UDP)") { $0.protocolID = 262 },
    Refusal("protocolid -6 is not known; accepted: 6 (_TCP), 17 (_UDP)") { $0.protocolID = -6 },
    Refusal("action is not set; accepted: a message with an action type, of which 0 is _DROP") {
      $0.hasAction = false
    },
    Refusal("action.actiontype 4 is not known; accepted: 0 (_DROP), 1 (_FORWARD), 2 (_MIRROR), 3 (_SNOOP)") {
      $0.actionType = 4
    },
    Refusal("action.actionnexthop is not set; MIRROR and SNOOP need the address that copies go to") {
      $0.actionType = 2
    },
    Refusal("action.actionnexthopv6 is not set; MIRROR and SNOOP need the address that copies go to") {
      $0.actionType = 3
      $0.nextHopIPv6 = AddressBytes([UInt8](repeating: 0, count: 16).span)
    },
    Refusal("action.actionnexthopv6 is set beside action.actionnexthop; keep one of them") {
      $0.actionType = 3
      $0.nextHopIPv4 = 1
      $0.nextHopIPv6 = ipv6
    },
    Refusal("action.actionnexthopv6 has 4 bytes; an IPv6 address has 16") {
      $0.actionType = 2
      $0.nextHopIPv6 = AddressBytes([1, 2, 3, 4].span)
    },
    Refusal("cachetimeout 86401 is above 86400 seconds") { $0.cacheTimeout = 86_401 },
  ]

  @Test(arguments: refusals)
  func `what cannot be honoured is refused, naming field and value`(_ refusal: Refusal) {
    do throws(SessionRequestProblem) {
      _ = try request(.strict, ipv4: .inetPton, refusal.change)
      Issue.record("accepted")
    } catch {
      #expect(error.text(Self.rules(), in: .opi) == refusal.text)
      #expect(error.text(Self.rules(), in: .opi).utf8.allSatisfy { $0 < 128 })
    }
  }

  @Test func `openoffload.v2 names its own fields`() {
    let problems: [(SessionRequestProblem, String)] = [
      (
        SessionRequestProblem(.inLIF, .unknownLIF, 7),
        "in_lif names LIF 7, which is not configured; accepted: 1, 2"
      ),
      (
        SessionRequestProblem(.sourceIPv6, .needsIPv6, 16),
        "source_ipv6 has 16 bytes, but ip_version is _IPV4; leave it empty"
      ),
      (
        SessionRequestProblem(.destinationPort, .portTooLarge, 70_000),
        "destination_port 70000 is above 65535"
      ),
      (
        SessionRequestProblem(.nextHopIPv6, .hasTwoNextHops),
        "action.action_next_hop_v6 is set beside action.action_next_hop; keep one of them"
      ),
    ]
    for (problem, text) in problems { #expect(problem.text(Self.rules(), in: .openOffload) == text) }
  }

  @Test func `without ports no LIF is configured, unless any number may be used`() throws {
    #expect(throws: SessionRequestProblem(.inLIF, .unknownLIF, 1)) {
      try Self.rules(ports: []).request(Self.good, ipv4: .host)
    }
    _ = try Self.rules(.opaque, ports: []).request(Self.good, ipv4: .host)
  }
}
