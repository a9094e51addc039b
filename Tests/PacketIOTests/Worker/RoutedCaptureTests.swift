import Dataplane
import PacketIO
import Testing

@Suite("What captures see of routed ports")
struct RoutedCaptureTests {
  private let host = RoutedWorker.host(2, 30)
  private let mac = RoutedWorker.mac(2, 30)
  private let sender = RoutedWorker.host(1, 5)

  private func tap(_ router: RoutedWorker, _ change: (inout PacketTap.Selection) -> Void) -> PacketTap {
    var selection = PacketTap.Selection()
    change(&selection)
    let tap = PacketTap(selection)
    _ = router.apply(.tap(tap))
    return tap
  }

  private func taken(_ tap: PacketTap) -> [(header: TapRing.Header, bytes: [UInt8])] {
    var all: [(header: TapRing.Header, bytes: [UInt8])] = []
    while let packet = tap.ring.take() { all.append(packet) }
    return all
  }

  @Test func `packets are as they arrived, and as they left once they had waited`() throws {
    let router = try RoutedWorker()
    let arriving = tap(router) { _ in }
    let leaving = tap(router) { $0.sees = (arriving: false, leaving: true) }
    let packet = LinkFrame.udp(sender, host, to: RoutedWorker.ours(1))
    router.take(packet, on: 0, at: .seconds(2))
    let waits = taken(arriving)
    #expect(waits.map(\.bytes) == [packet] && waits.map(\.header.verdict) == [.hold])
    #expect(waits.map(\.header.lif) == [1])
    // What asks for the neighbour is ours, and leaves.
    #expect(taken(leaving).map { Array($0.bytes[12..<14]) } == [[0x08, 0x06]])
    let answer = LinkFrame.arp(2, host, mac, asks: RoutedWorker.host(2, 1), to: RoutedWorker.ours(2))
    router.take(answer, on: 1, at: .seconds(2.1))
    #expect(taken(arriving).map(\.bytes) == [answer])
    let left = taken(leaving)
    #expect(left.map(\.bytes) == router.takeSent().suffix(1).map(\.bytes))
    #expect(left.map(\.header.lif) == [2] && left.map { $0.bytes[22] } == [packet[22] - 1])
    // The next one need not wait: it is seen twice, as it was and as it is.
    router.take(packet, on: 0, at: .seconds(2.2))
    #expect(taken(arriving).map(\.bytes) == [packet])
    #expect(taken(leaving).map(\.bytes) == router.takeSent().map(\.bytes))
  }

  @Test func `one that waited in vain is seen dropped`() throws {
    let router = try RoutedWorker()
    let dropped = tap(router) {
      $0.isDroppedOnly = true
      $0.reason = .neighborUnresolved
      $0.lif = 1
    }
    let all = tap(router) { _ in }
    router.take(LinkFrame.udp(sender, host, to: RoutedWorker.ours(1)), on: 0, at: .seconds(2))
    #expect(taken(dropped).isEmpty && taken(all).count == 1)
    for tenths in 1...40 { router.pass(to: .seconds(2 + Double(tenths) / 10)) }
    let seen = taken(dropped)
    #expect(seen.count == 1 && router.counts[DropReason.neighborUnresolved] == 1)
    #expect(seen.allSatisfy { $0.header.verdict == .drop && $0.header.lif == 1 && !$0.header.isLeaving })
    #expect(taken(all).isEmpty, "it was seen when it arrived")
  }

  @Test func `all fragments are seen`() throws {
    let router = try RoutedWorker { $0.packetSize = 4000 }
    let leaving = tap(router) { $0.sees = (arriving: false, leaving: true) }
    let target = RoutedWorker.staticNeighbor.address
    router.take(
      LinkFrame.udp(sender, target, to: RoutedWorker.ours(1), payload: 3600), on: 0, at: .seconds(2))
    #expect(Set(taken(leaving).map(\.bytes)) == Set(router.takeSent().map(\.bytes)))
  }
}

@Suite("What routed ports tell of themselves")
struct RoutedAnnouncementTests {
  /// RFC 5227 §3: sender and target are the address. RFC 4861 §7.2.6: to all, unasked, with override.
  @Test func `own addresses are announced when a link comes up`() throws {
    let setup = RoutedWorker.setup(workers: 1, copies: .ethernet, miss: .route)
    var worker = try Worker(setup, index: 0, events: nil)
    var queue = MemoryQueue([], isRecording: true)
    var burst = PacketBurst()
    worker.passTime(to: .seconds(1), &burst, through: &queue)
    let frames = queue.copies.filter { $0.copy.outLIF == 1 }.map(\.bytes)
    let own = Array(LinkFrame.redirected([UInt8](repeating: 0, count: 6), to: RoutedWorker.ours(1)))
    let address: [UInt8] = [10, 0, 1, 1]
    let ARP = frames.filter { $0[12..<14] == [8, 6] }
    #expect(ARP.count == 1)
    for frame in ARP {
      #expect(Array(frame[..<6]) == [UInt8](repeating: 255, count: 6) && Array(frame[6..<12]) == own)
      #expect(Array(frame[22..<28]) == own && Array(frame[28..<32]) == address)
      #expect(Array(frame[38..<42]) == address)
    }
    let advertisements = frames.filter { $0[12..<14] == [0x86, 0xDD] }
    // The address of the configuration, and the link-local one.
    #expect(advertisements.count == 2)
    for frame in advertisements {
      #expect(Array(frame[..<6]) == [0x33, 0x33, 0, 0, 0, 1] && frame[54] == 136)
      #expect(frame[58] == 0xA0, "a router's, override, not solicited")
      #expect(Array(frame[22..<38]) == Array(frame[62..<78]), "from the target")
    }
  }
}
