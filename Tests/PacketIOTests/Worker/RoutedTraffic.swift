import Dataplane
import PacketIO

/// What hosts on the links of three routed ports (`RoutedWorker`) may send, well made and not.
struct RoutedTraffic {
  private var random: SplitMix64

  init(seed: UInt64) { random = SplitMix64(state: seed) }

  /// A frame with the position of the port that it arrives on.
  mutating func next() -> (port: UInt8, bytes: [UInt8]) {
    let net = UInt16(below(3)) + 1
    var bytes = frame(net)
    if chance(5) { mutate(&bytes) }
    return (UInt8(net - 1), bytes)
  }

  mutating func chance(_ one: UInt64) -> Bool { below(one) == 0 }
  mutating func below(_ bound: UInt64) -> UInt64 { random.next(upperBound: bound) }

  private mutating func frame(_ net: UInt16) -> [UInt8] {
    let number = UInt8(below(24)) + 1
    let us = RoutedWorker.ours(net)
    let mac = chance(8) ? MACAddress(random.next()) : RoutedWorker.mac(net, number)
    let (host, host6) = (RoutedWorker.host(net, number), RoutedWorker.host6(net, number))
    switch below(12) {
    case 0:
      return LinkFrame.arp(1, host, mac, asks: RoutedWorker.host(net, chance(3) ? number : 1))
    case 1: return LinkFrame.arp(2, host, mac, asks: RoutedWorker.host(net, 1), to: us)
    case 2: return solicitation(net, host6, mac)
    case 3: return advertisement(net, host6, mac)
    case 4: return LinkFrame.echo(host, RoutedWorker.host(other(net), 1), to: us, payload: size())
    case 5: return LinkFrame.echo(host6, RoutedWorker.host6(other(net), 1), to: us, payload: size())
    case 6: return LinkFrame.redirected(fragment(host), to: us)
    case 7: return LinkFrame.udp(host6, RoutedWorker.host6(other(net), anybody), to: us, payload: size())
    case 8: return LinkFrame.udp(host, IPAddress(ipv4: 0xC633_6400 | UInt32(number)), to: us, payload: size())
    default:
      let to = chance(20) ? IPAddress(ipv4: UInt32(truncatingIfNeeded: random.next())) : station(net)
      // Ports of mirrored and snooped flows, of IKE, of nobody.
      let port: UInt16 = chance(10) ? 500 : 80
      return LinkFrame.udp(host, to, to: us, ports: (1000 + UInt16(number), port), payload: size())
    }
  }

  private var anybody: UInt8 { mutating get { UInt8(below(40)) + 1 } }
  private mutating func other(_ net: UInt16) -> UInt16 { chance(4) ? net : net % 3 + 1 }
  private mutating func station(_ net: UInt16) -> IPAddress { RoutedWorker.host(other(net), anybody) }
  private mutating func size() -> Int { chance(6) ? Int(below(3000)) : 20 }

  private mutating func fragment(_ host: IPAddress) -> [UInt8] {
    let tuple = FiveTuple(
      source: host, sourcePort: 7, destination: station(1), destinationPort: 8, transport: .udp)
    let all = Build.fragments(tuple, payload: 1000, size: 400)
    return all[Int(below(UInt64(all.count)))]
  }

  private mutating func solicitation(_ net: UInt16, _ source: IPAddress, _ mac: MACAddress) -> [UInt8] {
    let target = RoutedWorker.host6(net, chance(3) ? anybody : 1)
    let from = chance(6) ? IPAddress(ipv6High: 0, low: 0) : source
    let message = NeighborMessage(
      isSolicitation: true, target: target, linkAddress: chance(3) ? nil : mac)
    return LinkFrame.neighbor(
      message, from: from, mac, to: target.solicitedNode, MACAddress(multicast: target.solicitedNode))
  }

  private mutating func advertisement(_ net: UInt16, _ source: IPAddress, _ mac: MACAddress) -> [UInt8] {
    var message = NeighborMessage(isSolicitation: false, target: source, linkAddress: chance(5) ? nil : mac)
    message.isSolicited = chance(2)
    message.isOverride = chance(2)
    return LinkFrame.neighbor(
      message, from: source, mac, to: RoutedWorker.host6(net, 1), RoutedWorker.ours(net))
  }

  private mutating func mutate(_ bytes: inout [UInt8]) {
    if chance(4) { bytes.removeLast(Int(below(UInt64(bytes.count)))) }
    for _ in 0..<below(4) where !bytes.isEmpty {
      // Mostly in the headers.
      let end = chance(3) ? bytes.count : min(bytes.count, 64)
      bytes[Int(below(UInt64(end)))] = UInt8(truncatingIfNeeded: random.next())
    }
  }

  /// A host that may answer, one behind a router that does not, one that is not there.
  private static func hop(_ number: UInt8) -> IPAddress {
    if number % 5 == 0 { return IPAddress(ipv4: 0xC633_6400 | UInt32(number)) }
    return RoutedWorker.host(3, number % 7 == 0 ? 200 : number)
  }

  /// Sessions of some of the flows, with every action.
  static let requests: [SessionRequest] = (UInt8(1)...24).map { number in
    let net = UInt16(number % 3) + 1
    let tuple = FiveTuple(
      source: RoutedWorker.host(net, number), sourcePort: 1000 + UInt16(number),
      destination: RoutedWorker.host(net % 3 + 1, number), destinationPort: 80, transport: .udp)
    return SessionRequest(
      id: SessionID(UInt64(number)), tuple: tuple, action: Action.allCases[Int(number) % 4],
      nextHop: hop(number), cacheTimeout: 10_000)
  }
}
