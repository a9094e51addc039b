import Dataplane
import PacketIO
import Testing

@Suite("What RFCs ask of a router")
struct RoutedRuleTests {
  private let us = RoutedWorker.ours(1)
  private let host = RoutedWorker.host(1, 5)
  private let host6 = RoutedWorker.host6(1, 5)
  private let target = RoutedWorker.staticNeighbor.address

  /// An IPv4 frame with bytes of its header changed, and the right checksum.
  private func changed(_ frame: [UInt8], _ changes: [Int: UInt8]) -> [UInt8] {
    var frame = frame
    for (offset, value) in changes { frame[14 + offset] = value }
    (frame[24], frame[25]) = (0, 0)
    let sum = Checksum.of(Array(frame[14..<34]).span.bytes)
    (frame[24], frame[25]) = (UInt8(sum >> 8), UInt8(truncatingIfNeeded: sum))
    return frame
  }

  /// An IPv6 frame with an extension header put in.
  private func extended(_ frame: [UInt8], _ type: UInt8, _ header: [UInt8]) -> [UInt8] {
    var frame = frame
    let next = frame[20]
    frame[20] = type
    let length = (Int(frame[18]) << 8 | Int(frame[19])) + header.count
    (frame[18], frame[19]) = (UInt8(length >> 8), UInt8(truncatingIfNeeded: length))
    frame.insert(contentsOf: [next] + header.dropFirst(), at: 54)
    return frame
  }

  @Test func `what has no length of its own goes nowhere`() throws {
    let router = try RoutedWorker { $0.packetSize = 100_000 }
    for destination in [RoutedWorker.host(1, 1), target] {
      let frame =
        LinkFrame.echo(host, destination, to: us, payload: 60_000) + [UInt8](repeating: 0, count: 10_000)
      router.take(changed(frame, [2: 0, 3: 0]), on: 0, at: .seconds(2))
    }
    #expect(router.counts[DropReason.badIPv4TotalLength] == 2)
    for destination in [RoutedWorker.host6(1, 1), RoutedWorker.host6(2, 9)] {
      var frame = LinkFrame.echo(host6, destination, to: us, payload: 60_000)
      frame = extended(frame, 0, [0, 0, 0xC2, 4, 0, 1, 0x11, 0x70]) + [UInt8](repeating: 0, count: 9_952)
      (frame[18], frame[19]) = (0, 0)
      router.take(frame, on: 0, at: .seconds(2))
    }
    #expect(router.counts[DropReason.notRoutable] == 2)
    #expect(router.takeSent().isEmpty)
  }

  @Test func `sources and destinations that no packet on its way has`() throws {
    let router = try RoutedWorker()
    for source: UInt32 in [0x7F00_0001, 0x0001_0203, 0x0A00_01FF, 0x0A00_0101, 0xE000_0001] {
      router.take(LinkFrame.udp(IPAddress(ipv4: source), target, to: us), on: 0, at: .seconds(2))
    }
    #expect(router.counts[DropReason.martianSource] == 5)
    router.take(LinkFrame.udp(IPAddress(ipv4: 0xA9FE_0101), target, to: us), on: 0, at: .seconds(2))
    for destination: UInt32 in [0xA9FE_A9FE, 0x0001_0203] {
      router.take(LinkFrame.udp(host, IPAddress(ipv4: destination), to: us), on: 0, at: .seconds(2))
    }
    #expect(router.counts[DropReason.notRoutable] == 3)
    #expect(router.takeSent().isEmpty)
  }

  @Test func `what came by a port that is not routed is looked at before it is`() throws {
    let router = try RoutedWorker { setup in
      setup.ports[0] = WorkerSetup.Port(
        lif: 1, peer: 2, miss: .forward, learnedAction: .forward, nonSession: .forward, mac: MACAddress(2))
    }
    let other = MACAddress(0x02CC_0000_0001)
    router.take(LinkFrame.udp(host, target, to: other), on: 0, at: .seconds(2))
    #expect(router.takeSent().map(\.destination) == [RoutedWorker.staticNeighbor.mac])
    router.take(LinkFrame.udp(IPAddress(ipv4: 0x7F00_0001), target, to: other), on: 0, at: .seconds(2))
    router.take(LinkFrame.udp(host, target, to: .broadcast), on: 0, at: .seconds(2))
    router.take(LinkFrame.udp(host, IPAddress(ipv4: .max), to: other), on: 0, at: .seconds(2))
    var damaged = LinkFrame.udp(host, target, to: other)
    damaged[25] ^= 1
    router.take(damaged, on: 0, at: .seconds(2))
    #expect(router.counts[DropReason.martianSource] == 1 && router.counts[DropReason.badIPv4Checksum] == 1)
    #expect(router.counts[DropReason.otherDestinationMAC] == 1)
    #expect(router.counts[DropReason.multicastNotRouted] == 1)
    #expect(router.takeSent().isEmpty)
  }

  @Test func `ARP for other stations is not ours to hear`() throws {
    let router = try RoutedWorker()
    let mac = RoutedWorker.mac(1, 5)
    router.take(
      LinkFrame.arp(1, host, mac, asks: RoutedWorker.host(1, 1), to: RoutedWorker.mac(1, 7)), on: 0,
      at: .seconds(2))
    router.take(
      LinkFrame.arp(1, host, MACAddress(0), asks: RoutedWorker.host(1, 1)), on: 0, at: .seconds(2))
    #expect(router.counts[DropReason.otherDestinationMAC] == 1)
    #expect(router.takeSent().isEmpty && router.neighbors.count == 1)
  }

  @Test func `what else ends here has a name`() throws {
    let router = try RoutedWorker()
    let plain = LinkFrame.udp(host, target, to: us)
    router.take(Array(plain[..<12]) + [0x81, 0, 0, 7] + plain[12...], on: 0, at: .seconds(2))
    #expect(router.counts[DropReason.taggedOnRoutedPort] == 1)
    var echo = LinkFrame.echo(host, RoutedWorker.host(1, 1), to: us)
    echo[echo.count - 1] ^= 1
    router.take(echo, on: 0, at: .seconds(2))
    #expect(router.counts[DropReason.badICMPChecksum] == 1)
    for number in 0..<UInt16(NeighborCache.heldPerNeighbor) + 3 {
      router.take(
        LinkFrame.udp(host, RoutedWorker.host(2, 77), to: us, ports: (number, 80)), on: 0, at: .seconds(2))
    }
    #expect(router.counts[DropReason.neighborQueueFull] == 3)
    #expect(Int(router.counts[.held]) == Int(NeighborCache.heldPerNeighbor))
    // The newest ones wait: the first three went.
    _ = router.takeSent()
    let mac = RoutedWorker.mac(2, 77)
    router.take(
      LinkFrame.arp(
        2, RoutedWorker.host(2, 77), mac, asks: RoutedWorker.host(2, 1), to: RoutedWorker.ours(2)),
      on: 1, at: .seconds(2.1))
    #expect(router.takeSent().map { $0.bytes[35] } == Array(3..<NeighborCache.heldPerNeighbor + 3))
  }

  @Test func `neighbor discovery behind a fragment header is not believed`() throws {
    let router = try RoutedWorker()
    let us6 = RoutedWorker.host6(1, 1)
    let frame = LinkFrame.neighbor(
      NeighborMessage(isSolicitation: true, target: us6, linkAddress: RoutedWorker.mac(1, 5)), from: host6,
      RoutedWorker.mac(1, 5), to: us6.solicitedNode, MACAddress(multicast: us6.solicitedNode))
    router.take(extended(frame, 44, [0, 0, 0, 0, 0, 0, 0, 9]), on: 0, at: .seconds(2))
    #expect(router.counts[DropReason.badNeighborMessage] == 1)
    #expect(router.takeSent().isEmpty && router.neighbors.count == 1)
  }

  @Test func `an answer without Ethernet address confirms the one that is known`() throws {
    let router = try RoutedWorker()
    let us6 = RoutedWorker.host6(1, 1)
    let mac = RoutedWorker.mac(1, 5)
    var answer = NeighborMessage(isSolicitation: false, target: host6, linkAddress: mac)
    answer.isSolicited = true
    answer.isOverride = true
    router.take(
      LinkFrame.neighbor(
        NeighborMessage(isSolicitation: true, target: us6, linkAddress: mac), from: host6, mac,
        to: us6.solicitedNode, MACAddress(multicast: us6.solicitedNode)), on: 0, at: .seconds(2))
    router.take(
      LinkFrame.udp(RoutedWorker.host6(2, 4), host6, to: RoutedWorker.ours(2)), on: 1, at: .seconds(3))
    router.pass(to: .seconds(8))
    #expect(router.neighbors.first { $0.address == host6 }?.state == .probing)
    answer.linkAddress = nil
    router.take(LinkFrame.neighbor(answer, from: host6, mac, to: us6, us), on: 0, at: .seconds(8.5))
    #expect(router.neighbors.first { $0.address == host6 }?.state == .reachable)
    #expect(router.neighbors.first { $0.address == host6 }?.mac == mac)
  }

  @Test func `a datagram leaves with all of its fragments, or not at all`() throws {
    let router = try RoutedWorker { $0.packetSize = 4000 }
    let frames = (0..<200).map { number in
      (port: UInt8(0), bytes: LinkFrame.udp(host, target, to: us, ports: (UInt16(number), 80), payload: 3600))
    }
    router.take(frames, at: .seconds(2))
    let sent = router.takeSent().count
    let dropped = Int(router.counts[DropReason.noBuffer])
    #expect(dropped > 0 && sent == 3 * (200 - dropped), "\(sent) frames, \(dropped) drops")
    #expect(Int(router.counts[.forwarded]) == 200 - dropped)
    router.counts.expectEquations()
  }

  @Test func `a source route that goes on from us ends here`() throws {
    let router = try RoutedWorker()
    let echo = LinkFrame.echo(host6, RoutedWorker.host6(1, 1), to: us)
    let route: [UInt8] = [0, 2, 0, 1, 0, 0, 0, 0] + [UInt8](repeating: 7, count: 16)
    router.take(extended(echo, 43, route), on: 0, at: .seconds(2))
    var done = route
    done[3] = 0
    // Behind one that is done, and before one.
    router.take(extended(extended(echo, 43, route), 43, done), on: 0, at: .seconds(2))
    router.take(extended(extended(echo, 43, done), 43, route), on: 0, at: .seconds(2))
    #expect(router.counts[DropReason.notRoutable] == 3 && router.counts[.consumed] == 0)
    router.take(extended(echo, 43, done), on: 0, at: .seconds(2))
    #expect(router.counts[.consumed] == 1)
  }

  @Test func `an echo's answer has its type of service`() throws {
    let router = try RoutedWorker()
    router.take(
      LinkFrame.arp(1, host, RoutedWorker.mac(1, 5), asks: RoutedWorker.host(1, 1)), on: 0, at: .seconds(2))
    _ = router.takeSent()
    let echo = LinkFrame.echo(host, RoutedWorker.host(1, 1), to: us)
    router.take(changed(echo, [1: 0xB8]), on: 0, at: .seconds(2))
    #expect(router.takeSent().map { $0.bytes[15] } == [0xB8])
  }

  @Test func `other errors take nothing from those of path MTU discovery`() throws {
    let router = try RoutedWorker { $0.packetSize = 4000 }
    router.take(
      LinkFrame.arp(1, host, RoutedWorker.mac(1, 5), asks: RoutedWorker.host(1, 1)), on: 0, at: .seconds(2))
    _ = router.takeSent()
    let short = changed(LinkFrame.udp(host, target, to: us), [8: 1])
    for _ in 0..<200 { router.take(short, on: 0, at: .seconds(2)) }
    #expect(router.takeSent().count == Int(ErrorLimit.burst))
    let long = changed(LinkFrame.udp(host, target, to: us, payload: 3000), [6: 0x40])
    router.take(long, on: 0, at: .seconds(2))
    // Destination unreachable, fragmentation needed.
    #expect(router.takeSent().map { Array($0.bytes[34..<36]) } == [[3, 4]])
    // Errors that nobody can be sent count for nothing.
    let lost = changed(LinkFrame.udp(IPAddress(ipv4: 0x0808_0808), target, to: us), [8: 1])
    for _ in 0..<200 { router.take(lost, on: 0, at: .seconds(4)) }
    router.take(short, on: 0, at: .seconds(4))
    #expect(router.takeSent().count == 1)
  }

  @Test func `errors come from an address that routers on the way take`() throws {
    let far = IPAddress(ipv6High: 0x2001_0DB8_0005_0000, low: 1)
    let router = try RoutedWorker { setup in
      setup.ports[0].addresses = [InterfaceAddress(RoutedWorker.host(1, 1), length: 24)].compactMap(\.self)
      setup.routes += [IPPrefix(far, length: 128)].compactMap(\.self).map {
        Route(prefix: $0, nextHop: IPAddress(ipv6High: 0xFE80 << 48, low: 2), lif: 1)
      }
      setup.neighbors.append(
        Neighbor(
          address: IPAddress(ipv6High: 0xFE80 << 48, low: 2), mac: RoutedWorker.mac(1, 2),
          lif: LIF(number: 1)))
    }
    var frame = LinkFrame.udp(far, RoutedWorker.host6(2, 9), to: us)
    frame[21] = 1
    router.take(frame, on: 0, at: .seconds(2))
    let errors = router.takeSent().filter {
      $0.etherType == 0x86DD && $0.bytes[20] == 58 && $0.bytes[54] == 3
    }
    #expect(errors.map { Array($0.bytes[22..<24]) } == [[0x20, 0x01]])
  }
}
