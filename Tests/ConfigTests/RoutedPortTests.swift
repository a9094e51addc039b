import Config
import Dataplane
import Testing

@Suite("Routed ports of a configuration")
struct RoutedPortTests {
  private static let lan = "{ name: lan, lif: 1, addresses: [10.0.1.1/24, 'fd00::1/64'] }"

  @Test func `a port with addresses is routed and has no peer's policy`() throws {
    let port = try #require(try Configuration.parse("ports: [\(Self.lan)]", file: "x.yaml").ports.first)
    #expect(port.miss == .route && !port.takesInterfaceMAC)
    #expect(port.addresses.map(\.network.length) == [24, 64])
  }

  @Test func `routes name a port and a neighbour on it`() throws {
    let text = "ports: [\(Self.lan)]\nroutes: [ { prefix: '::/0', next_hop: 'fe80::9', port: lan } ]"
    let route = try #require(try Configuration.parse(text, file: "x.yaml").routes.first)
    #expect(route.prefix.length == 0 && route.lif == 1)
  }

  @Test(arguments: [
    ("addresses: [10.0.1.1]", "is not an address of a host"),
    ("addresses: [10.0.1.1/33]", "is not an address of a host"),
    ("addresses: [224.0.0.1/24]", "is not an address of a host"),
    ("addresses: [10.0.1.1/24, 10.0.1.1/25]", "is there twice"),
    ("addresses: [10.0.1.1/24], miss: forward", "write route"),
    ("miss: route", "route without addresses"),
  ])
  func `wrong addresses are refused`(fields: String, message: String) {
    let found = refusals("ports: [ { name: a, lif: 1, \(fields) } ]")
    #expect(found.count == 1 && found.allSatisfy { $0.hasPrefix("x.yaml:1:") && $0.contains(message) })
  }

  @Test func `networks of two ports must not overlap`() {
    let found = refusals("ports: [\(Self.lan), { name: b, lif: 2, addresses: [10.0.0.1/16] }]")
    #expect(found.count == 1 && found.allSatisfy { $0.contains("overlaps with one of ports[0]") })
  }

  @Test(arguments: [
    ("prefix: 10.0.0.1/8, next_hop: 10.0.1.9, port: lan", "without bits behind the prefix"),
    ("prefix: 10.0.0.0/8, next_hop: 10.0.2.9, port: lan", "is no neighbour"),
    ("prefix: 10.0.0.0/8, next_hop: 10.0.1.1, port: lan", "is no neighbour"),
    ("prefix: 10.0.0.0/8, next_hop: 'fd00::2', port: lan", "is not an IPv4 address"),
    ("prefix: 10.0.0.0/8, next_hop: 10.0.1.9, port: wan", "is no port of this file"),
    ("prefix: 10.0.0.0/8, next_hop: 10.0.1.9, port: plain", "has no addresses"),
    ("prefix: 10.0.0.0/8, next_hop: 10.0.1.9", "port: is missing"),
  ])
  func `wrong routes are refused`(fields: String, message: String) {
    let found = refusals("ports: [\(Self.lan), { name: plain, lif: 2 }]\nroutes: [ { \(fields) } ]")
    #expect(found.count == 1 && found.allSatisfy { $0.hasPrefix("x.yaml:2:") && $0.contains(message) })
  }
}
