import Dataplane
import Testing
import TrafficGenerator

@Suite("Generated traffic: what is refused and what is planned")
struct TrafficPlanTests {
  private static let refusals: [(String, @Sendable (inout TrafficOptions) -> Void)] = [
    ("--flows 0: accepted: 1...", { $0.flows = 0 }),
    ("--flows 100000001: accepted", { ($0.flows, $0.packets) = (100_000_001, .max) }),
    ("--packets 49999: too few for 50000 flows: at least 50000", { $0.packets = 49_999 }),
    ("--packets 9223372036854775807: accepted", { $0.packets = .max }),
    ("--packets -1: too few", { $0.packets = -1 }),
    ("--size 63: accepted: 64...9014", { $0.size = .bytes(63) }),
    ("--size 9015: accepted", { $0.size = .bytes(9015) }),
    ("--vlan 0: accepted: 1...4094", { $0.tags = .vlan(0) }),
    ("--vlan 4095: accepted", { $0.tags = .vlan(4095) }),
    ("--qinq, outer VLAN -1", { $0.tags = .qinq(outer: -1, inner: 1) }),
    ("--qinq, inner VLAN 9999", { $0.tags = .qinq(outer: 1, inner: 9999) }),
    ("--fragments 1.5: accepted", { $0.fragments = 1.5 }),
    ("--fragments nan: accepted", { $0.fragments = .nan }),
    ("--retransmit -0.1: accepted", { $0.retransmits = -0.1 }),
    ("--rate 0.0: accepted", { $0.pace = .rate(0) }),
    ("--rate inf: accepted", { $0.pace = .rate(.infinity) }),
    ("--rate 1.0: 200000000 packets would take", { ($0.packets, $0.pace) = (200_000_000, .rate(1)) }),
    ("--duration nan: accepted", { $0.pace = .duration(.nan) }),
    ("--duration 2000000.0: at most 1000000 seconds", { $0.pace = .duration(2e6) }),
    ("--shape steady: its sessions", { ($0.shape, $0.pace) = (.steady, .rate(1000)) }),
  ]

  @Test(arguments: refusals.indices)
  func `what cannot be is refused with its range`(index: Int) throws {
    let (message, change) = Self.refusals[index]
    var options = TrafficOptions()
    change(&options)
    let error = try #require(throws: TrafficError.self) { try TrafficPlan(options) }
    #expect(error.description.hasPrefix(message), "\(error)")
  }

  @Test func `every kind of end occurs, from four conversations on`() throws {
    for flows in [4, 5, 16, 1000] {
      let ends = try Traffic { ($0.flows, $0.packets) = (flows, flows * 20) }.plan.sessions
      #expect(ends.finACK > 0 && ends.reset > 0 && ends.timeout > 0 && ends.live > 0, "\(flows): \(ends)")
    }
  }

  @Test func `each conversation has one end, even where packets are few`() throws {
    var dice = Dice(state: 5)
    for _ in 0..<200 {
      let options = dice.options()
      let ends = try TrafficPlan(options).sessions
      #expect(ends.finACK + ends.reset + ends.timeout + ends.live == UInt64(options.flows), "\(options)")
      // A timeout needs a later packet by which it can be noticed.
      #expect(ends.timeout == 0 || ends.live > 0, "\(options)")
    }
  }

  @Test func `one conversation of five packets`() throws {
    let traffic = try Traffic { ($0.flows, $0.packets) = (1, 5) }
    #expect(traffic.packets.count == 5)
    let ends = traffic.plan.sessions
    #expect(ends.finACK + ends.reset + ends.timeout + ends.live == 1)
  }
}
