import Dataplane
import PacketIO
import Testing

@Suite("What hosts on the link of a routed port cannot do")
struct RoutedHostileTests {
  private let us6 = RoutedWorker.host6(1, 1)

  private func advertisement(_ target: IPAddress, _ mac: MACAddress, overrides: Bool) -> [UInt8] {
    var message = NeighborMessage(isSolicitation: false, target: target, linkAddress: mac)
    message.isOverride = overrides
    message.isSolicited = true
    return LinkFrame.neighbor(
      message, from: target, mac, to: us6, RoutedWorker.ours(1))
  }

  private func solicitation(_ source: IPAddress, _ mac: MACAddress) -> [UInt8] {
    LinkFrame.neighbor(
      NeighborMessage(isSolicitation: true, target: us6, linkAddress: mac), from: source,
      RoutedWorker.mac(1, 5), to: us6.solicitedNode, MACAddress(multicast: us6.solicitedNode))
  }

  private func mac(of address: IPAddress, _ router: RoutedWorker) -> MACAddress? {
    router.neighbors.first { $0.address == address }?.mac
  }

  @Test func `an advertisement replaces what is known only if it says so`() throws {
    let router = try RoutedWorker()
    let host = RoutedWorker.host6(1, 5)
    router.take(solicitation(host, RoutedWorker.mac(1, 5)), on: 0, at: .seconds(2))
    #expect(mac(of: host, router) == RoutedWorker.mac(1, 5))
    router.take(advertisement(host, RoutedWorker.mac(1, 6), overrides: false), on: 0, at: .seconds(3))
    #expect(mac(of: host, router) == RoutedWorker.mac(1, 5))
    router.take(advertisement(host, RoutedWorker.mac(1, 6), overrides: true), on: 0, at: .seconds(4))
    #expect(mac(of: host, router) == RoutedWorker.mac(1, 6))
  }

  @Test func `nobody makes us answer all others, or send to ourselves`() throws {
    let router = try RoutedWorker()
    for mac in [MACAddress.broadcast, MACAddress(0x3333_0000_0001)] {
      router.take(solicitation(RoutedWorker.host6(1, 5), mac), on: 0, at: .seconds(2))
      router.take(
        LinkFrame.arp(1, RoutedWorker.host(1, 5), mac, asks: RoutedWorker.host(1, 1)), on: 0, at: .seconds(2))
    }
    router.take(solicitation(RoutedWorker.host6(1, 6), RoutedWorker.ours(1)), on: 0, at: .seconds(2))
    #expect(router.takeSent().allSatisfy { !$0.destination.isGroupAddress })
    #expect(router.counts[DropReason.badNeighborMessage] == 2)
    #expect(router.neighbors.map(\.address) == [RoutedWorker.staticNeighbor.address])
  }

  @Test func `own and configured addresses stay what they are`() throws {
    let router = try RoutedWorker()
    let fixed = RoutedWorker.staticNeighbor
    for operation in [UInt16(1), 2] {
      for victim in [fixed.address, RoutedWorker.host(2, 1), RoutedWorker.host(1, 1)] {
        router.take(
          LinkFrame.arp(
            operation, victim, MACAddress(0x02BB_0000_0001), asks: RoutedWorker.host(2, 1)),
          on: 1, at: .seconds(2))
      }
    }
    #expect(router.neighbors.map(\.mac) == [fixed.mac])
    #expect(router.neighbors.map(\.state) == [.fixed])
  }

  @Test func `an echo that is longer than the link of its answer takes nothing down`() throws {
    let router = try RoutedWorker()
    for (host, us) in [(RoutedWorker.host(1, 5), RoutedWorker.host(1, 1)), (RoutedWorker.host6(1, 5), us6)] {
      router.take(
        LinkFrame.echo(host, us, to: RoutedWorker.ours(1), payload: 2000), on: 0, at: .seconds(2))
    }
    #expect(router.counts[.consumed] == 2)
    router.take(
      LinkFrame.arp(1, RoutedWorker.host(1, 5), RoutedWorker.mac(1, 5), asks: RoutedWorker.host(1, 1)), on: 0,
      at: .seconds(2.1))
    let answers = router.takeSent().filter { $0.etherType != 0x0806 && !$0.destination.isGroupAddress }
    #expect(answers.map(\.bytes.count).sorted() == [14 + 20 + 2008 - 1480, 1514], "IPv4 is cut, IPv6 not")
  }

  @Test func `a scan of a network costs each packet little, and ends by itself`() throws {
    let router = try RoutedWorker()
    var time = 2.0
    for round in 0..<60 {
      let frames = (0..<UInt32(200)).map { number in
        let target = IPAddress(
          ipv6High: 0x2001_0DB8_0002_0000, low: UInt64(round) << 32 | UInt64(number + 16))
        let frame = LinkFrame.udp(RoutedWorker.host6(1, 5), target, to: RoutedWorker.ours(1))
        return (port: UInt8(0), bytes: frame)
      }
      router.take(frames, at: .seconds(time))
      time += 0.01
    }
    #expect(router.counts[.held] <= 256)
    // 12,000 packets; each one asks once at most, but for those still asked for.
    #expect(router.counts[.generated] <= 12_000 + 3 * 4096)
    let fresh = LinkFrame.arp(
      1, RoutedWorker.host(2, 50), RoutedWorker.mac(2, 50), asks: RoutedWorker.host(2, 1))
    router.take(fresh, on: 1, at: .seconds(time))
    #expect(mac(of: RoutedWorker.host(2, 50), router) != nil, "a host that asks for us finds room")
    for second in 1...8 { router.pass(to: .seconds(time + Double(second))) }
    #expect(router.counts[.held] == 0)
    router.pass(to: .seconds(time + 9))
    #expect(router.usedBuffers == 0)
    router.counts.expectEquations()
  }
}
