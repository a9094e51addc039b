import Dataplane
import Testing

@Suite("The share of commands")
struct CommandShareTests {
  private let now = PacketTime(nanoseconds: 1_000_000_000)

  @Test func `commands have their turn at any time while bursts are not full`() {
    var share = CommandShare()
    share.note(50_000, at: now)
    #expect(share.allows(now) && share.allows(nil))
  }

  @Test func `one part in 25 while packets wait`() {
    var share = CommandShare()
    share.isBusy = true
    #expect(share.allows(now))
    share.note(10_000, at: now)
    #expect(!share.allows(now.advanced(by: 249_999)))
    #expect(share.allows(now.advanced(by: 250_000)))
  }

  @Test func `a large batch makes the next one wait two milliseconds at most`() {
    var share = CommandShare()
    share.isBusy = true
    share.note(5_000_000, at: now)
    #expect(!share.allows(now.advanced(by: 6_999_999)))
    #expect(share.allows(now.advanced(by: 7_000_000)))
  }

  @Test func `a queue without a clock never makes them wait`() {
    var share = CommandShare()
    share.isBusy = true
    share.note(10_000, at: nil)
    #expect(share.allows(nil) && share.allows(now))
  }
}
