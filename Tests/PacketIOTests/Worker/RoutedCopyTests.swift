import Dataplane
import PacketIO
import Testing

@Suite("Copies whose next hop is found by the router")
struct RoutedCopyTests {
  private let hop = RoutedWorker.host(3, 7)
  private let client = RoutedWorker.host(1, 5)
  private let server = RoutedWorker.host(2, 9)

  private func request(_ action: Action, hop: IPAddress) -> SessionRequest {
    let tuple = FiveTuple(
      source: client, sourcePort: 1000, destination: server, destinationPort: 80, transport: .udp)
    return SessionRequest(id: SessionID(1), tuple: tuple, action: action, nextHop: hop, cacheTimeout: 1000)
  }

  private var packet: [UInt8] { LinkFrame.udp(client, server, to: RoutedWorker.ours(1)) }

  @Test(arguments: [Action.mirror, .snoop])
  func `the first copies wait for the neighbour, the others leave at once`(action: Action) throws {
    let router = try RoutedWorker(requests: [request(action, hop: hop)])
    router.take([(0, packet), (0, packet)], at: .seconds(2))
    var sent = router.takeSent()
    #expect(sent.filter(\.isARPRequest).map(\.lif) == [3])
    #expect(sent.filter { $0.origin == nil || $0.origin == .released }.isEmpty == (action == .snoop))
    #expect(!sent.contains { $0.origin == .copy })
    #expect(router.counts[.copiesMade] == 0 && router.counts[.held] == 0)
    let answer = LinkFrame.arp(
      2, hop, RoutedWorker.mac(3, 7), asks: RoutedWorker.host(3, 1), to: RoutedWorker.ours(3))
    router.take(answer, on: 2, at: .seconds(2.1))
    sent = router.takeSent()
    router.take(packet, on: 0, at: .seconds(2.2))
    let later = router.takeSent().filter { $0.origin == .copy }
    #expect(sent.map(\.origin) == [.copy, .copy] && later.count == 1)
    for copy in sent + later {
      #expect(copy.lif == 3 && copy.destination == RoutedWorker.mac(3, 7))
      #expect(copy.bytes[6..<12].elementsEqual([2, 0, 0, 0, 0x10, 3]), "our own address is the source")
      #expect(copy.bytes.dropFirst(12).elementsEqual(packet.dropFirst(12)), "the packet as it came")
    }
    #expect(router.counts[.copiesMade] == 3 && router.counts[.copiesFailed] == 0)
    router.counts.expectEquations()
  }

  @Test func `a copy that waited in vain was made and failed, and nobody is told`() throws {
    let router = try RoutedWorker(requests: [request(.mirror, hop: hop)])
    router.take(packet, on: 0, at: .seconds(2))
    for second in 3...6 { router.pass(to: .seconds(Double(second))) }
    #expect(router.counts[.copiesMade] == 1 && router.counts[.copiesFailed] == 1)
    let sent = router.takeSent()
    #expect(sent.filter(\.isARPRequest).count == 3)
    #expect(sent.filter { $0.origin == .generated && !$0.isARPRequest }.isEmpty)
    router.pass(to: .seconds(7))
    #expect(router.usedBuffers == 0)
    router.counts.expectEquations()
  }

  @Test func `with GRE the outer header names the next hop, the Ethernet header its router`() throws {
    let source = RoutedWorker.host(3, 1)
    let far = IPAddress(ipv4: 0xC633_6407)
    let router = try RoutedWorker(
      copies: .gre(sourceIPv4: source, sourceIPv6: nil), requests: [request(.mirror, hop: far)])
    router.take(
      LinkFrame.arp(1, RoutedWorker.host(3, 254), RoutedWorker.mac(3, 254), asks: source), on: 2,
      at: .seconds(2))
    _ = router.takeSent()
    router.take(packet, on: 0, at: .seconds(2.1))
    let copies = router.takeSent().filter { $0.origin == .copy }
    #expect(copies.count == 1)
    let copy = try #require(copies.first)
    #expect(copy.lif == 3 && copy.destination == RoutedWorker.mac(3, 254))
    #expect(copy.bytes[26..<34].elementsEqual([10, 0, 3, 1, 0xC6, 0x33, 0x64, 7]))
    #expect(copy.bytes.dropFirst(38).elementsEqual(packet), "the whole frame")
    router.counts.expectEquations()
  }

  @Test func `a configured neighbour needs no router, and one without a way gets nothing`() throws {
    let fixed = try RoutedWorker(requests: [request(.mirror, hop: RoutedWorker.staticNeighbor.address)])
    fixed.take(packet, on: 0, at: .seconds(2))
    let copies = fixed.takeSent().filter { $0.origin == .copy }
    #expect(copies.map(\.destination) == [RoutedWorker.staticNeighbor.mac])
    for nowhere in [IPAddress(ipv4: 0x0101_0101), RoutedWorker.host(3, 1), RoutedWorker.host(3, 255)] {
      let lost = try RoutedWorker(requests: [request(.mirror, hop: nowhere)])
      lost.take(packet, on: 0, at: .seconds(2))
      #expect(!lost.takeSent().contains { $0.origin == .copy })
      #expect(lost.counts[.copiesMade] == 1 && lost.counts[.copiesFailed] == 1)
      #expect(lost.counts[.mirrored] == 1, "the original is untouched")
      lost.counts.expectEquations()
    }
  }

  @Test func `what is longer than the link fails, but for GRE over IPv4, which is cut`() throws {
    let long = LinkFrame.udp(client, server, to: RoutedWorker.ours(1), payload: 1472)
    let source = RoutedWorker.host(3, 1)
    let answer = LinkFrame.arp(1, hop, RoutedWorker.mac(3, 7), asks: source)
    let router = try RoutedWorker(
      copies: .gre(sourceIPv4: source, sourceIPv6: nil), requests: [request(.mirror, hop: hop)])
    router.take(answer, on: 2, at: .seconds(2))
    _ = router.takeSent()
    router.take(long, on: 0, at: .seconds(2.1))
    let sent = router.takeSent().filter { $0.lif == 3 }
    #expect(sent.map(\.bytes.count).reduce(0, +) == 14 + 20 + 4 + long.count + 34, "two fragments")
    #expect(router.counts[.copiesMade] == 1 && router.counts[.copiesFailed] == 0)
    router.counts.expectEquations()
  }
}
