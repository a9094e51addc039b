import Dataplane
import Gateway
import PacketIO
import Testing

/// Running workers with a session service, and packets for them. Time is the packets' own.
final class SessionBed: Sendable {
  static let second: UInt64 = 1_000_000_000
  static let start: UInt64 = 1_000_000 * second

  let group: WorkerGroup
  let service: SessionService
  private let feeds: [PacketFeed]

  init(
    workers: Int = 1, capacity: Int = 10_000, retention: Int = 1000, reportsDeleted: Bool = false,
    miss: MissPolicy = .forward
  ) throws {
    // One of its own: ThreadSanitizer takes system generators, which are no bytes at one place, for shared.
    var generator = SplitMix64(state: UInt64.random(in: 0 ... .max))
    let ports = [(UInt16(1), UInt16(2)), (2, 1)].map { lif, peer in
      WorkerSetup.Port(
        lif: lif, peer: peer, miss: miss, learnedAction: .forward, nonSession: .forward,
        mac: MACAddress(0x0200_0000_0101))
    }
    var setup = WorkerSetup(
      workers: workers, capacity: capacity, ports: ports, waits: false, generator: &generator)
    setup.start = PacketTime(nanoseconds: Self.start)
    let feeds = (0..<workers).map { _ in PacketFeed() }
    self.feeds = feeds
    group = try WorkerGroup(setup, burstLimit: 64, reportsSessions: true) { FeedQueue(feeds[$0]) }
    service = try SessionService(
      group, closedRetention: retention, reportsDeleted: reportsDeleted, clock: MonotonicClock())
    group.release()
  }

  /// Ends workers and service.
  func stop() {
    for feed in feeds { feed.end() }
    service.stop()
    group.join()
  }

  /// Sends packets to worker 0 and waits until each has its verdict.
  func send(_ packets: [MemoryQueue.Packet]) async {
    let before = group.total(.packets)
    feeds[0].send(packets)
    while group.total(.packets) < before + UInt64(packets.count) { await Task.yield() }
  }

  /// Sends packets without waiting, to worker `worker`.
  func pour(_ packets: [MemoryQueue.Packet], worker: Int = 0) { feeds[worker].send(packets) }

  /// Lets every worker know that it is `time`.
  func pass(to time: UInt64) async {
    let before = group.total(.packets)
    let tick = MemoryQueue.Packet(Self.arp, time: PacketTime(nanoseconds: time))
    for feed in feeds { feed.send([tick]) }
    while group.total(.packets) < before + UInt64(feeds.count) { await Task.yield() }
  }

  private static let arp: [UInt8] =
    [UInt8](repeating: 0xFF, count: 6) + [2, 0, 0, 0, 0, 1, 0x08, 0x06] + [UInt8](repeating: 0, count: 46)

  /// Waits until the control side has taken what workers reported so far.
  func settle(until holds: () async -> Bool) async {
    for _ in 0..<2000 {
      if await holds() { return }
      try? await Task.sleep(for: .milliseconds(1))
    }
  }

  // MARK: Requests and packets

  static func tuple(_ number: Int, _ transport: SessionProtocol = .udp) -> FiveTuple {
    FiveTuple(
      source: IPAddress(ipv4: 0x0A00_0000 + UInt32(number)), sourcePort: 1000,
      destination: IPAddress(ipv4: 0x0B00_0001), destinationPort: 53, transport: transport)
  }

  static func request(
    _ id: UInt64, _ number: Int, _ transport: SessionProtocol = .udp, timeout: UInt32 = 60,
    action: Action = .forward
  ) -> SessionRequest {
    SessionRequest(
      id: SessionID(id), tuple: tuple(number, transport), action: action, cacheTimeout: timeout)
  }

  static func packet(
    _ tuple: FiveTuple, at time: UInt64, flags: TCPFlags = .ack, sequence: UInt32 = 1,
    acknowledgment: UInt32 = 1
  ) -> MemoryQueue.Packet {
    let body = tuple.transport == .udp ? udp(tuple) : tcp(tuple, flags, sequence, acknowledgment)
    let ip = bytes(20) {
      IPv4Header.write(
        source: tuple.source, destination: tuple.destination, protocolNumber: tuple.transport.rawValue,
        totalLength: 20 + body.count, into: &$0, at: 0)
    }
    let ethernet = bytes(14) {
      EthernetHeader.write(
        destination: MACAddress(0x0200_0000_0002), source: MACAddress(0x0200_0000_0001), etherType: 0x0800,
        into: &$0)
    }
    return MemoryQueue.Packet(ethernet + ip + body, time: PacketTime(nanoseconds: time))
  }

  private static func udp(_ tuple: FiveTuple) -> [UInt8] {
    bytes(8) {
      UDPHeader.write(
        sourcePort: tuple.sourcePort, destinationPort: tuple.destinationPort, length: 8, into: &$0, at: 0)
    }
  }

  private static func tcp(
    _ tuple: FiveTuple, _ flags: TCPFlags, _ sequence: UInt32, _ acknowledgment: UInt32
  ) -> [UInt8] {
    bytes(20) {
      TCPHeader.write(
        sourcePort: tuple.sourcePort, destinationPort: tuple.destinationPort, sequence: sequence,
        acknowledgment: acknowledgment, flags: flags, window: 1000, into: &$0, at: 0)
    }
  }

  private static func bytes(_ size: Int, _ write: (inout MutableRawSpan) -> Void) -> [UInt8] {
    var packet = [UInt8](repeating: 0, count: size)
    var span = packet.mutableSpan
    var bytes = span.mutableBytes
    write(&bytes)
    return packet
  }
}

extension FiveTuple {
  var swapped: FiveTuple {
    FiveTuple(
      source: destination, sourcePort: destinationPort, destination: source, destinationPort: sourcePort,
      transport: transport)
  }
}

extension SessionService {
  /// All pages of a list.
  func all(_ filter: Filter, page: Int = 100) async throws -> [SessionSnapshot] {
    var (sessions, cursor): ([SessionSnapshot], UInt64?) = ([], nil)
    repeat {
      let next = try await list(filter, from: cursor, limit: page)
      #expect(next.sessions.count <= page)
      #expect(next.next.map { $0 & SessionID.cursorBit != 0 } ?? true)
      sessions += next.sessions
      cursor = next.next
    } while cursor != nil
    return sessions
  }
}
