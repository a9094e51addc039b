import Dataplane
import PacketIO
import Testing

@Suite("Links of routed ports that change")
struct RoutedLinkTests {
  private let host = RoutedWorker.host(2, 30)
  private let old = RoutedWorker.mac(2, 30)
  private let new = RoutedWorker.mac(2, 31)

  /// Knows the host, and has said all that it says of itself.
  private func router() throws -> RoutedWorker {
    let router = try RoutedWorker()
    hear(router, old, at: .seconds(2))
    #expect(router.neighbors.contains { $0.address == host })
    _ = router.takeSent()
    return router
  }

  private func hear(_ router: RoutedWorker, _ mac: MACAddress, at time: PacketTime) {
    router.take(LinkFrame.arp(1, host, mac, asks: RoutedWorker.host(2, 1)), on: 1, at: time)
  }

  private var packet: [UInt8] { LinkFrame.udp(RoutedWorker.host(1, 5), host, to: RoutedWorker.ours(1)) }

  /// Other than ARP and neighbor discovery.
  private func forwarded(_ sent: [RoutedWorker.Sent]) -> [MACAddress] {
    sent.filter { $0.etherType == 0x0800 }.map(\.destination)
  }

  private func announcements(_ sent: [RoutedWorker.Sent]) -> Set<UInt16> {
    Set(sent.filter { $0.etherType == 0x86DD && $0.destination.isGroupAddress }.map(\.lif))
  }

  @Test(arguments: [true, false])
  func `the first burst behind a new interface goes to no host of the old one`(isUp: Bool) throws {
    let router = try router()
    router.links[1] = LinkState(mtu: 1500, isUp: isUp, interface: 8)
    router.linkMoves += 1
    router.take(packet, on: 0, at: .seconds(2.01))
    var sent = router.takeSent()
    #expect(forwarded(sent).isEmpty && router.counts[.held] == 1)
    #expect(sent.contains { $0.isARPRequest && $0.lif == 2 })
    #expect(announcements(sent) == (isUp ? [2] : []))
    hear(router, new, at: .seconds(2.02))
    #expect(forwarded(router.takeSent()) == [new])
    // Once it is up, if it was not: by the clock.
    router.links[1].isUp = true
    router.pass(to: .seconds(3))
    sent = router.takeSent()
    #expect(announcements(sent) == (isUp ? [] : [2]))
    router.pass(to: .seconds(4))
    #expect(announcements(router.takeSent()).isEmpty)
    router.counts.expectEquations()
  }

  @Test func `what the first burst of a new interface teaches is kept`() throws {
    let router = try router()
    router.links[1].interface = 8
    router.linkMoves += 1
    hear(router, new, at: .seconds(2.01))
    _ = router.takeSent()
    router.take(packet, on: 0, at: .seconds(3))
    #expect(forwarded(router.takeSent()) == [new])
  }

  @Test func `echo replies and copies of the first burst wait, too`() throws {
    let request = SessionRequest(
      id: SessionID(1), tuple: Build.tuple(), action: .mirror, nextHop: host)
    let router = try RoutedWorker(requests: [request])
    hear(router, old, at: .seconds(2))
    _ = router.takeSent()
    router.links[1].interface = 8
    router.linkMoves += 1
    let echo = LinkFrame.echo(host, RoutedWorker.host(2, 1), to: RoutedWorker.ours(2))
    let mirrored = LinkFrame.redirected(Build.udp(Build.tuple()), to: RoutedWorker.ours(1))
    router.take([(1, echo), (0, mirrored)], at: .seconds(2.01))
    #expect(!router.takeSent().contains { $0.destination == old })
  }

  @Test func `a link that goes down and up again forgets its hosts, others know theirs`() throws {
    let router = try router()
    let other = RoutedWorker.host(1, 5)
    router.take(
      LinkFrame.arp(1, other, old, asks: RoutedWorker.host(1, 1)), on: 0, at: .seconds(2))
    router.links[1].isUp = false
    router.pass(to: .seconds(3))
    #expect(router.neighbors.contains { $0.address == host })
    router.links[1].isUp = true
    _ = router.takeSent()
    router.pass(to: .seconds(4))
    #expect(!router.neighbors.contains { $0.address == host })
    #expect(router.neighbors.contains { $0.address == other })
    #expect(announcements(router.takeSent()) == [2])
  }

  @Test func `a change of the configuration that leaves links as they are is told to nobody`() throws {
    let router = try router()
    let ports = RoutedWorker.ports(.route).enumerated().map { (place: $0.offset, port: $0.element) }
    let change = WorkerChange(
      ports: ports, timeouts: Timeouts(), tcpControl: .track, neighbors: [], routes: [], copies: .ethernet,
      secret: FlowSecret(1, 2, 3, 4), queue: nil)
    #expect(router.apply(.prepare(change)).isGranted)
    _ = router.apply(.commit(change))
    router.pass(to: .seconds(3))
    #expect(router.takeSent().isEmpty)
    #expect(router.neighbors.contains { $0.address == host })
  }
}
