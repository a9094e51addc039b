import Dataplane
import Testing

/// Drops by port beside those by reason alone.
@Suite struct PortDropsTests {
  @Test func eachPortAndReasonHasACountOfItsOwn() {
    let page = CounterPage()
    for port in [0, 1, 255] {
      for reason in DropReason.allCases {
        page.add(reason, UInt64(1 + port + Int(reason.rawValue)), port: port)
      }
    }
    for reason in DropReason.allCases {
      let counts = [0, 1, 255].map { page.portDrops[reason, $0] }
      let raw = UInt64(reason.rawValue)
      #expect(counts == [1 + raw, 2 + raw, 256 + raw])
      #expect(page[reason] == counts.reduce(0, +))
      #expect(page.portDrops[reason, 2] == 0)
    }
  }

  @Test func portsThatCannotBeCountOnlyByReason() {
    let page = CounterPage()
    page.add(.missDrop, 3, port: 256)
    page.add(.missDrop, 4, port: -1)
    #expect(page[.missDrop] == 7)
    #expect((0..<256).allSatisfy { page.portDrops[.missDrop, $0] == 0 })
    #expect(page.portDrops[.missDrop, 256] == 0)
  }
}
