import Dataplane
import PacketIO

/// A worker with three routed ports, a burst at a time, and what it sends.
///
///     port 0   LIF 1   10.0.1.1/24   2001:db8:1::1/64
///     port 1   LIF 2   10.0.2.1/24   2001:db8:2::1/64
///     port 2   LIF 3   10.0.3.1/24   2001:db8:3::1/64   198.51.100.0/24 by 10.0.3.254
///
/// 10.0.2.9 is a configured neighbour. Host N of a network is .N and ::N, its Ethernet address 02::net:N.
final class RoutedWorker {
  let setup: WorkerSetup
  private var worker: Worker
  private(set) var sent: [Sent] = []
  private(set) var verdicts: [Verdict] = []
  /// Of each port, and how often one of them became another interface.
  var links = [LinkState](repeating: LinkState(mtu: 1500, isUp: true, interface: 7), count: 3)
  var linkMoves: UInt32 = 0

  /// A frame that left, by which port and as what.
  struct Sent {
    let origin: PacketCopy.Origin?
    let lif: UInt16
    let bytes: [UInt8]

    var destination: MACAddress { MACAddress(bytes[..<6].reduce(0) { $0 << 8 | UInt64($1) }) }
    var etherType: UInt16 { UInt16(bytes[12]) << 8 | UInt16(bytes[13]) }
    var isARPRequest: Bool { etherType == 0x0806 && bytes[21] == 1 }
  }

  init(
    workers: Int = 1, copies: CopyEncapsulation = .ethernet, miss: MissPolicy = .route,
    requests: [SessionRequest] = [], adjusting adjust: (inout WorkerSetup) -> Void = { _ in }
  ) throws {
    var setup = Self.setup(workers: workers, copies: copies, miss: miss)
    adjust(&setup)
    self.setup = setup
    worker = try Worker(setup, index: 0, events: nil)
    worker.apply(SessionBatch(.add(requests, replacing: false)))
    // Links come up, and are told of us.
    pass(to: .seconds(1))
    sent = []
  }

  static func setup(workers: Int, copies: CopyEncapsulation, miss: MissPolicy) -> WorkerSetup {
    var setup = WorkerRun.setup(workers: workers)
    setup.ports = ports(miss)
    setup.neighbors = [staticNeighbor]
    setup.routes = routes
    setup.copies = copies
    setup.start = .seconds(1)
    return setup
  }

  static func ports(_ miss: MissPolicy) -> [WorkerSetup.Port] {
    (UInt16(1)...3).map { lif in
      var port = WorkerSetup.Port(
        lif: lif, peer: lif, miss: miss, learnedAction: .forward, nonSession: .forward, mac: ours(lif))
      port.addresses = [
        InterfaceAddress(host(lif, 1), length: 24), InterfaceAddress(host6(lif, 1), length: 64),
      ].compactMap(\.self)
      return port
    }
  }

  static let staticNeighbor = Neighbor(
    address: host(2, 9), mac: MACAddress(0x02AA_0000_0009), lif: LIF(number: 2))
  /// 198.51.100.0/24 by 10.0.3.254.
  static let routes = [IPPrefix(IPAddress(ipv4: 0xC633_6400), length: 24)].compactMap(\.self).map {
    Route(prefix: $0, nextHop: host(3, 254), lif: 3)
  }

  static func host(_ net: UInt16, _ number: UInt8) -> IPAddress {
    IPAddress(ipv4: 0x0A00_0000 | UInt32(net) << 8 | UInt32(number))
  }
  static func host6(_ net: UInt16, _ number: UInt8) -> IPAddress {
    IPAddress(ipv6High: 0x2001_0DB8_0000_0000 | UInt64(net) << 16, low: UInt64(number))
  }
  static func mac(_ net: UInt16, _ number: UInt8) -> MACAddress {
    MACAddress(0x0200_0000_0000 | UInt64(net) << 8 | UInt64(number))
  }
  /// Of a port.
  static func ours(_ lif: UInt16) -> MACAddress { MACAddress(0x0200_0000_1000 | UInt64(lif)) }

  // MARK: Running

  /// Takes a burst of frames that arrive on ports; what leaves is in `sent`.
  func take(_ frames: [(port: UInt8, bytes: [UInt8])], at time: PacketTime) {
    let packets = frames.map {
      MemoryQueue.Packet($0.bytes, time: time, lif: UInt16($0.port) + 1, port: $0.port)
    }
    var queue = LinkedQueue(MemoryQueue(packets, isRecording: true), links, linkMoves)
    var burst = PacketBurst(limit: PacketBurst.capacity)
    _ = queue.receive(into: &burst)
    worker.take(&burst, through: &queue)
    note(queue.memory.transmitted, queue.memory.copies)
  }

  func take(_ bytes: [UInt8], on port: UInt8, at time: PacketTime) { take([(port, bytes)], at: time) }

  func pass(to time: PacketTime) {
    var queue = LinkedQueue(MemoryQueue([], isRecording: true), links, linkMoves)
    var burst = PacketBurst()
    worker.passTime(to: time, &burst, through: &queue)
    note(queue.memory.transmitted, queue.memory.copies)
  }

  func apply(_ operation: SessionBatch.Operation) -> SessionBatch {
    let batch = SessionBatch(operation)
    worker.apply(batch)
    return batch
  }

  private func note(_ packets: [MemoryQueue.Transmitted], _ copies: [MemoryQueue.TransmittedCopy]) {
    verdicts = packets.map(\.decision)
    for packet in packets where packet.decision.kind == .forward || packet.decision.kind == .mirror {
      sent.append(Sent(origin: nil, lif: packet.decision.outLIF, bytes: packet.bytes))
    }
    for copy in copies where !copy.copy.failed {
      sent.append(Sent(origin: copy.copy.origin, lif: copy.copy.outLIF, bytes: copy.bytes))
    }
  }

  /// What was sent since the last time.
  func takeSent() -> [Sent] {
    defer { sent = [] }
    return sent
  }

  var counts: Counts { Counts(setup.counters) }
  /// Buffers that are in use once nothing is to be sent.
  var usedBuffers: Int { worker.buffers.all - worker.buffers.free }
  var neighbors: [NeighborSnapshot] { apply(.neighbors(from: 0, scanning: .max)).neighbors }
}

/// Packets in memory that come and go by links which can change.
private struct LinkedQueue: PacketQueue, ~Copyable {
  var memory: MemoryQueue
  let links: [LinkState]
  let linkMoves: UInt32

  init(_ memory: consuming MemoryQueue, _ links: [LinkState], _ linkMoves: UInt32) {
    self.memory = memory
    self.links = links
    self.linkMoves = linkMoves
  }

  mutating func receive(into burst: inout PacketBurst) -> ReceiveStatus { memory.receive(into: &burst) }
  mutating func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {
    memory.transmit(burst, &outcome)
  }
  mutating func finish() { memory.finish() }
  func linkState(of position: Int) -> LinkState? { links[position] }
}

/// Frames of hosts on the links of routed ports.
enum LinkFrame {
  static func ethernet(_ to: MACAddress, _ from: MACAddress, _ type: UInt16, _ payload: [UInt8]) -> [UInt8] {
    Build.header(14) { EthernetHeader.write(destination: to, source: from, etherType: type, into: &$0) }
      + payload
  }

  static func arp(
    _ operation: UInt16, _ sender: IPAddress, _ mac: MACAddress, asks target: IPAddress,
    to: MACAddress = .broadcast
  ) -> [UInt8] {
    ethernet(
      to, mac, 0x0806,
      Build.header(28) {
        ARPPacket.write(
          operation: operation, senderMAC: mac, sender: sender, targetMAC: to, target: target, into: &$0,
          at: 0)
      })
  }

  static func neighbor(
    _ message: NeighborMessage, from source: IPAddress, _ mac: MACAddress, to destination: IPAddress,
    _ destinationMAC: MACAddress
  ) -> [UInt8] {
    let body = Build.header(message.length) {
      message.write(source: source, destination: destination, into: &$0, at: 0)
    }
    let header = Build.header(40) {
      IPv6Header.write(
        source: source, destination: destination, nextHeader: 58, payloadLength: body.count, hopLimit: 255,
        into: &$0, at: 0)
    }
    return ethernet(destinationMAC, mac, 0x86DD, header + body)
  }

  static func udp(
    _ source: IPAddress, _ destination: IPAddress, to: MACAddress, ports: (UInt16, UInt16) = (1000, 80),
    payload: Int = 20
  ) -> [UInt8] {
    let tuple = FiveTuple(
      source: source, sourcePort: ports.0, destination: destination, destinationPort: ports.1, transport: .udp
    )
    return redirected(Build.udp(tuple, payload: payload), to: to)
  }

  static func echo(
    _ source: IPAddress, _ destination: IPAddress, to: MACAddress, payload: Int = 20
  ) -> [UInt8] {
    let family = source.family
    let body = Build.header(8 + payload) {
      ICMPHeader.writeEcho(family: family, isReply: false, identifier: 7, sequence: 9, into: &$0, at: 0)
      Checksum.fill(
        family == .ipv4 ? .icmp : .icmpv6, source: source, destination: destination, length: 8 + payload,
        into: &$0, at: 0)
    }
    let packet = Build.ip(source, destination, family == .ipv4 ? 1 : 58, body)
    return ethernet(to, MACAddress(0x0200_0000_0001), family == .ipv4 ? 0x0800 : 0x86DD, packet)
  }

  /// The same for another station on the link.
  static func redirected(_ frame: [UInt8], to: MACAddress) -> [UInt8] {
    (0..<6).map { UInt8(truncatingIfNeeded: to.value >> (40 - 8 * $0)) } + frame.dropFirst(6)
  }
}
