import Dataplane
import Testing
import TrafficGenerator

@Suite("The route table")
struct RouteTableTests {
  private func rule(_ first: IPAddress, _ length: Int, lif: UInt16) throws -> RouteTable.Rule {
    RouteTable.Rule(
      prefix: try #require(IPPrefix(first, length: length)),
      entry: RouteTable.Entry(kind: .connected, lif: lif))
  }

  /// The longest prefix that contains an address, looked for one by one.
  private func oracle(
    _ address: IPAddress, _ rules: [RouteTable.Rule], by lif: UInt16? = nil
  ) -> RouteTable.Entry {
    var best: RouteTable.Rule?
    for rule in rules where rule.prefix.contains(address) {
      if let lif, rule.entry.lif != lif { continue }
      if rule.prefix.length > best?.prefix.length ?? -1 { best = rule }
    }
    return best?.entry ?? .none
  }

  @Test func `an empty table has no way`() {
    let table = RouteTable([])
    let found = [table.find(IPAddress(ipv4: 0)), table.find(IPAddress(ipv6High: .max, low: .max))]
    #expect(found == [.none, .none])
  }

  @Test func `default routes reach the last address`() throws {
    let table = RouteTable([
      try rule(IPAddress(ipv4: 0), 0, lif: 4), try rule(IPAddress(ipv6High: 0, low: 0), 0, lif: 6),
    ])
    let found = [table.find(IPAddress(ipv4: .max)), table.find(IPAddress(ipv6High: .max, low: .max))]
    #expect(found.map(\.lif) == [4, 6])
  }

  @Test func `finds what a search of all prefixes finds in random tables`() throws {
    var generator = SplitMix64(state: 0x5EED)
    for round in 0..<60 {
      let isIPv4 = round % 2 == 0
      // Few distinct bits, so that prefixes nest and touch.
      func address() -> IPAddress {
        let bits = generator.next() & 0x8181_8181_0707_0707
        return isIPv4
          ? IPAddress(ipv4: UInt32(truncatingIfNeeded: bits ^ bits >> 32))
          : IPAddress(ipv6High: bits, low: generator.next() & 0x8000_0001_8000_0001)
      }
      var rules: [RouteTable.Rule] = []
      for number in 0..<Int(generator.next() % 200) {
        let length = Int(generator.next() % (isIPv4 ? 33 : 129))
        rules.append(try rule(address(), length, lif: UInt16(number % 5 + 1)))
      }
      // Of several for one prefix the first one counts.
      let table = RouteTable(rules)
      for _ in 0..<500 {
        let wanted = address()
        let (found, byPort) = (table.find(wanted), table.find(wanted, by: 2))
        let best = oracle(wanted, rules)
        #expect(found == best)
        #expect(byPort == (best.kind == .none ? .none : oracle(wanted, rules, by: 2)))
      }
      for rule in rules {
        let found = table.find(rule.prefix.first)
        #expect(found == oracle(rule.prefix.first, rules))
      }
    }
  }
}
