import Dataplane
import PacketIO
import Testing

@Suite("Routed ports that change between two bursts")
struct RoutedChangeTests {
  private let host = RoutedWorker.host(2, 30)
  private let mac = RoutedWorker.mac(2, 30)

  private func change(
    _ router: RoutedWorker, lifs: [UInt16] = [1, 2, 3], neighbors: [Neighbor] = [], routes: [Route] = []
  ) {
    let ports = RoutedWorker.ports(.route).enumerated().filter { lifs.contains($0.element.lif) }
    let change = WorkerChange(
      ports: ports.map { (place: $0.offset, port: $0.element) }, timeouts: Timeouts(), tcpControl: .track,
      neighbors: neighbors, routes: routes, copies: .ethernet, secret: FlowSecret(1, 2, 3, 4), queue: nil)
    #expect(router.apply(.prepare(change)).isGranted)
    _ = router.apply(.commit(change))
  }

  private func packet(to address: IPAddress) -> [UInt8] {
    LinkFrame.udp(RoutedWorker.host(1, 5), address, to: RoutedWorker.ours(1))
  }

  @Test func `a port that gets another address is told of, and knows whom it knew`() throws {
    let router = try RoutedWorker { $0.ports[1].addresses.removeLast() }
    router.take(
      LinkFrame.arp(1, host, mac, asks: RoutedWorker.host(2, 1)), on: 1, at: .seconds(2))
    #expect(router.neighbors.contains { $0.address == host })
    _ = router.takeSent()
    change(router)
    router.pass(to: .seconds(3))
    #expect(router.neighbors.contains { $0.address == host })
    let announced = router.takeSent()
    #expect(announced.contains { $0.lif == 2 && $0.etherType == 0x86DD && $0.destination.isGroupAddress })
    #expect(announced.allSatisfy { $0.lif == 2 })
    router.pass(to: .seconds(4))
    #expect(router.takeSent().isEmpty)
  }

  @Test func `what waits is sent once its neighbour is configured`() throws {
    let router = try RoutedWorker()
    router.take(packet(to: host), on: 0, at: .seconds(2))
    #expect(router.counts[.held] == 1)
    // Twice, before it is looked at: what waits is there still.
    let fixed = Neighbor(address: host, mac: mac, lif: LIF(number: 2))
    change(router, neighbors: [fixed])
    change(router)
    change(router, neighbors: [fixed])
    _ = router.takeSent()
    router.pass(to: .seconds(2.1))
    let sent = router.takeSent().filter { $0.origin == .released }
    #expect(sent.map(\.destination) == [mac] && sent.map(\.lif) == [2])
    #expect(router.counts[.held] == 0 && router.counts[.forwarded] == 1)
    router.counts.expectEquations()
  }

  @Test func `what waits on a link that goes is given up by name`() throws {
    let router = try RoutedWorker()
    router.take([(0, packet(to: host)), (0, packet(to: host))], at: .seconds(2))
    change(router, lifs: [1, 3])
    router.pass(to: .seconds(2.1))
    #expect(router.counts[.held] == 0 && router.counts[DropReason.neighborUnresolved] == 2)
    router.pass(to: .seconds(6))
    router.pass(to: .seconds(10))
    router.pass(to: .seconds(14))
    router.pass(to: .seconds(18))
    router.pass(to: .seconds(22))
    #expect(router.neighbors.isEmpty && router.usedBuffers == 0)
    router.counts.expectEquations()
  }

  @Test func `what was learned stays, routes are the new ones, configured neighbours go`() throws {
    let router = try RoutedWorker()
    router.take(
      LinkFrame.arp(1, host, mac, asks: RoutedWorker.host(2, 1)), on: 1, at: .seconds(2))
    let far = IPAddress(ipv4: 0xC633_6407)
    let network = try #require(IPPrefix(IPAddress(ipv4: 0xC633_6400), length: 24))
    change(router, routes: [Route(prefix: network, nextHop: host, lif: 2)])
    #expect(router.neighbors.map(\.address) == [host])
    _ = router.takeSent()
    router.take(packet(to: far), on: 0, at: .seconds(3))
    let sent = router.takeSent()
    #expect(sent.map(\.destination) == [mac] && sent.map(\.lif) == [2])
    change(router)
    router.take(packet(to: far), on: 0, at: .seconds(4))
    #expect(router.counts[DropReason.noRoute] == 1)
    router.counts.expectEquations()
  }
}
