/// What a worker needs to route: the ports that own addresses, routes, neighbours. Without such ports it is
/// empty and `isActive` is false. Owned by one worker.
struct Router: ~Copyable {
  /// Whether there are routed ports, or were.
  private(set) var isActive: Bool
  /// By position of the port.
  var ports: FixedArray<RoutedPort>
  let portCount: Int
  let table: RouteTable
  var cache: NeighborCache
  private var errors = ErrorLimit()
  /// Of its own: whoever has others sent takes none from those that path MTU discovery lives on.
  private var sizeErrors = ErrorLimit()
  /// When neighbours and links are looked at again.
  var nextLook = PacketTime.zero
  /// How often links had become others when they were last looked at; nil before they are.
  var linkMoves: UInt32?
  /// Of the next IPv4 packet that we make.
  private var identification: UInt16
  /// Addresses with the position of their port, for announcements.
  let addresses: [(port: Int, address: InterfaceAddress)]
  /// Configured neighbours.
  private let fixed: [Neighbor]

  /// Nanoseconds between two looks.
  static let lookInterval: UInt64 = 100_000_000
  /// Buffers for packets that wait and that are made, of a worker that routes.
  static let buffers = NeighborCache.heldLimit + PacketBurst.capacity

  /// - Parameters:
  ///   - configured: the ports, each with its place in the worker's list.
  ///   - worker: the index of its worker, as long as it follows no other one.
  init(
    _ configured: [(place: Int, port: WorkerSetup.Port)], routes: [Route], neighbors: [Neighbor],
    neighborLimit: Int, secret: FlowSecret, worker: Int = 0
  ) {
    // Far from those of other workers.
    identification = UInt16(truncatingIfNeeded: worker) &* 0x9E37
    let routed = configured.filter(\.port.isRouted)
    isActive = !routed.isEmpty
    portCount = (configured.map(\.place).max() ?? -1) + 1
    var places = FixedArray<RoutedPort>(repeating: RoutedPort())
    let hosts = Set(configured.map(\.port.host))
    for (position, port) in configured { places[position].isHost = hosts.contains(port.lif) }
    var rules: [RouteTable.Rule] = []
    var addresses: [(port: Int, address: InterfaceAddress)] = []
    for (position, port) in routed {
      var state = RoutedPort(port)
      state.isHost = places[position].isHost
      for own in port.addresses where !own.address.isLinkLocal {
        addresses.append((position, own))
        rules += Self.ownRules(own, port.lif)
      }
      for rule in rules where rule.entry.lif == port.lif && rule.entry.kind == .local {
        state.note(rule.prefix.first)
      }
      addresses.append((position, InterfaceAddress(state.linkLocal, length: 64) ?? port.addresses[0]))
      places[position] = state
    }
    // Own addresses come first: of rules for one prefix the first one counts.
    for (position, own) in addresses where !own.address.isLinkLocal {
      let entry = RouteTable.Entry(kind: .connected, lif: places[position].lif)
      rules.append(RouteTable.Rule(prefix: own.network, entry: entry))
    }
    for route in routes {
      let entry = RouteTable.Entry(kind: .router, lif: route.lif, router: route.nextHop)
      rules.append(RouteTable.Rule(prefix: route.prefix, entry: entry))
    }
    ports = places
    table = RouteTable(rules)
    self.addresses = addresses
    cache = NeighborCache(capacity: isActive ? neighborLimit : 1, secret: secret)
    fixed = neighbors.filter { $0.lif.vlan == 0 }
    if isActive { for neighbor in fixed { cache.fix(neighbor, now: .zero) } }
  }

  init(_ setup: WorkerSetup, worker: Int) {
    let ports = setup.ports.prefix(WorkerSetup.maxPorts).enumerated().map {
      (place: $0.offset, port: $0.element)
    }
    self.init(
      ports, routes: setup.routes, neighbors: setup.neighbors, neighborLimit: WorkerSetup.neighborLimit,
      secret: setup.secret, worker: worker)
  }

  /// Goes on from the router that was there before: with its neighbours as far as they are still on the links
  /// of ports, with what waits for them, and with what is known of links.
  mutating func follow(_ old: consuming Router, now: PacketTime) {
    identification = old.identification
    guard old.isActive else { return }
    isActive = true
    (errors, sizeErrors) = (old.errors, old.sizeErrors)
    for position in 0..<min(portCount, old.portCount)
    where ports[position].hasLink(of: old.ports[position]) {
      ports[position].mtu = old.ports[position].mtu
      ports[position].isUp = old.ports[position].isUp
      ports[position].interface = old.ports[position].interface
      ports[position].announces =
        old.ports[position].announces || !ports[position].isSame(as: old.ports[position])
    }
    swap(&cache, &old.cache)
    cache.removeFixed()
    for index in 0..<cache.used where cache[index].state != .free {
      let entry = cache[index]
      let isOnLink = position(entry.lif).map { find(entry.address, at: $0) }
        .map { $0.kind == .connected && $0.lif == entry.lif }
      if isOnLink != true { cache.giveUp(index, now: now) }
    }
    for neighbor in fixed { cache.fix(neighbor, now: now) }
  }

  /// The address itself, and the two ends of its network if that has any.
  private static func ownRules(_ own: InterfaceAddress, _ lif: UInt16) -> [RouteTable.Rule] {
    let width = own.address.family == .ipv4 ? 32 : 128
    func rule(_ address: IPAddress, _ kind: RouteTable.Kind) -> RouteTable.Rule? {
      IPPrefix(address, length: width).map {
        RouteTable.Rule(prefix: $0, entry: RouteTable.Entry(kind: kind, lif: lif))
      }
    }
    var rules = [rule(own.address, .local)]
    if width == 32, own.network.length < 31 {
      let first = own.network.first.ipv4Value
      rules.append(rule(IPAddress(ipv4: first), .broadcast))
      rules.append(rule(IPAddress(ipv4: first | UInt32.max >> UInt32(own.network.length)), .broadcast))
    }
    return rules.compactMap { $0 }
  }

  /// The identification of an IPv4 packet that we make, which may be cut here or on its way. RFC 6864 §4.2.
  mutating func nextIdentification() -> UInt16 {
    defer { identification &+= 1 }
    return identification
  }

  /// Whether another error may be sent at `now`; it counts then.
  mutating func takes(_ error: ICMPError, _ now: PacketTime) -> Bool {
    if case .tooBig = error { return sizeErrors.takes(now) }
    return errors.takes(now)
  }

  /// Our address for an error about what arrived at the port at `position`; where that has none that
  /// `sender`'s routers take, another port's. RFC 4443 §2.2, RFC 1812 §4.3.2.4.
  func errorSource(for sender: IPAddress, at position: Int) -> IPAddress? {
    let own = ports[position].source(for: sender)
    if let own, !own.isLinkLocal || sender.isLinkLocal { return own }
    let other = addresses.first { each in
      each.address.address.family == sender.family && !each.address.address.isLinkLocal
    }
    return other?.address.address ?? own
  }

  /// Whether what is made at the port at `position` for `destination` has a way.
  func isReachable(_ destination: IPAddress, at position: Int) -> Bool {
    let entry = find(destination, at: position)
    return (entry.kind == .connected || entry.kind == .router) && self.position(entry.lif) != nil
  }

  /// Position of the routed port with a LIF number; nil without one.
  func position(_ lif: UInt16) -> Int? {
    for position in 0..<portCount where ports[position].isRouted && ports[position].lif == lif {
      return position
    }
    return nil
  }

  /// What packets to `destination` follow that arrived on, or are made at, the port at `position`: link-local
  /// addresses belong to that port's link.
  func find(_ destination: IPAddress, at position: Int) -> RouteTable.Entry {
    guard destination.isLinkLocal else { return table.find(destination) }
    let isOwn = destination == ports[position].linkLocal
    return RouteTable.Entry(kind: isOwn ? .local : .connected, lif: ports[position].lif)
  }
}

/// A port that owns addresses, as its worker knows it. Not routed: all zero.
struct RoutedPort: BitwiseCopyable {
  var isRouted = false
  /// Whether it is the host port of another one: what comes from there has been routed by its stack.
  var isHost = false
  var lif: UInt16 = 0
  var mac = MACAddress(0)
  /// Bytes of the longest IP packet that leaves here.
  var mtu = 1500
  /// Whether the link was up when it was last looked at.
  var isUp = false
  /// Which interface it was then.
  var interface = 0
  /// Whether its link is to be told of its addresses though it has not come up: they are others.
  var announces = false
  var linkLocal = IPAddress(ipv6High: 0, low: 0)
  /// What requests and errors come from; unspecified for none.
  var source4 = IPAddress(ipv4: 0)
  var source6 = IPAddress(ipv6High: 0, low: 0)

  init() {}

  init(_ port: WorkerSetup.Port) {
    isRouted = true
    lif = port.lif
    mac = port.mac
    mtu = port.mtu
    linkLocal =
      port.addresses.first { $0.address.isLinkLocal }?.address ?? IPAddress(linkLocalOf: port.mac)
  }

  /// Whether it is the same link.
  func hasLink(of other: RoutedPort) -> Bool {
    isRouted == other.isRouted && lif == other.lif && mac == other.mac
  }

  /// Whether it is the same link, with the same addresses.
  func isSame(as other: RoutedPort) -> Bool {
    hasLink(of: other) && source4 == other.source4 && source6 == other.source6
      && linkLocal == other.linkLocal
  }

  /// The first of each family is the source.
  mutating func note(_ address: IPAddress) {
    if address.family == .ipv4, source4.isUnspecified { source4 = address }
    if address.family == .ipv6, source6.isUnspecified { source6 = address }
  }

  /// Our address for what is sent to `destination`; nil without one of its family.
  func source(for destination: IPAddress) -> IPAddress? {
    if destination.family == .ipv4 { return source4.isUnspecified ? nil : source4 }
    return destination.isLinkLocal || source6.isUnspecified ? linkLocal : source6
  }
}

/// What is known of a port's link.
public struct LinkState: Sendable, BitwiseCopyable, Equatable {
  /// The MTU in bytes.
  public var mtu: Int
  public var isUp: Bool
  /// Another number, another interface: it was deleted and made again.
  public var interface: Int

  public init(mtu: Int, isUp: Bool, interface: Int) {
    self.mtu = mtu
    self.isUp = isUp
    self.interface = interface
  }
}
