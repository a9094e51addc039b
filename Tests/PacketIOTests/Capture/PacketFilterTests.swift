import Dataplane
import PacketIO
import Testing

@Suite("Filter expressions")
struct PacketFilterTests {
  private func links(_ number: UInt16, isSwapped: Bool = false) -> [UInt8: PacketFilter.Link] {
    [0: PacketFilter.Link(number: number, isSwapped: isSwapped)]
  }

  @Test(arguments: [0, 1, 12, 14, 101, 108, 113, 228, 229, 276] as [UInt16], [false, true])
  func `every link that we read can be filtered, in either byte order`(link: UInt16, isSwapped: Bool) throws {
    _ = try PacketFilter("ip or ip6 and not tcp port 80", links: links(link, isSwapped: isSwapped))
  }

  @Test func `an expression that is none is refused with libpcap's words`() {
    let refusal = #expect(throws: PacketFilter.Refusal.self) {
      try PacketFilter("tcp prot 80", links: links(1))
    }
    #expect(refusal?.message.contains("syntax error") == true && refusal?.link.number == 1)
    #expect(throws: PacketFilter.Refusal.self) { try PacketFilter("vlan 5", links: links(101)) }
    #expect(throws: PacketFilter.Refusal.self) { try PacketFilter("tcp", links: links(60_000)) }
  }

  @Test func `the link that an expression does not suit is named`() {
    var mixed = links(1)
    mixed[3] = PacketFilter.Link(number: 101, isSwapped: false)
    let links = mixed
    let refusal = #expect(throws: PacketFilter.Refusal.self) {
      try PacketFilter("vlan 5", links: links)
    }
    #expect(refusal?.link.number == 101)
  }
}
