import Dataplane
import PacketIO
import Testing

@Suite("Dealing one capture's packets to two LIFs")
struct TrafficSplitTests {
  private func splitter(_ split: TrafficSplit, sets: UInt32 = 64) throws -> TrafficSplitter {
    TrafficSplitter(split, conversations: try memory(sets))
  }

  private func memory(_ sets: UInt32) throws -> ConversationMemory {
    var generator = SystemRandomNumberGenerator()
    return try #require(ConversationMemory(setCount: sets, generator: &generator))
  }

  /// The sides of Ethernet packets a second apart.
  private func sides(_ split: TrafficSplit, _ packets: [[UInt8]], cutTo length: Int = .max) throws -> [Int] {
    var splitter = try splitter(split)
    return packets.enumerated().map { index, packet in
      side(&splitter, packet, at: Double(index), cutTo: length)
    }
  }

  private func side(
    _ splitter: inout TrafficSplitter, _ packet: [UInt8], at seconds: Double, cutTo length: Int = .max
  ) -> Int {
    let kept = Array(packet.prefix(length))
    return splitter.side(
      kept.span.bytes, link: .ethernet, originalLength: UInt32(packet.count),
      time: .seconds(1_700_000_000 + seconds))
  }

  private let udp = Build.tuple(), tcp = Build.tuple(1000, .tcp), other = Build.tuple(1001, .tcp)

  @Test func `who sends first is the client`() throws {
    let there = Build.udp(udp), back = Build.udp(udp.reversed)
    #expect(try sides(.clientServer, [there, back, there]) == [0, 1, 0])
    #expect(try sides(.clientServer, [back, there, back]) == [0, 1, 0])
  }

  @Test func `a handshake tells the client, whoever is seen first`() throws {
    let syn = Build.tcp(tcp, .syn), answer = Build.tcp(tcp.reversed, [.syn, .ack])
    let fromServer = Build.tcp(tcp.reversed, .ack)
    #expect(try sides(.clientServer, [syn, answer, fromServer]) == [0, 1, 1])
    #expect(try sides(.clientServer, [answer, syn, fromServer]) == [1, 0, 1])
    #expect(try sides(.clientServer, [fromServer, fromServer, syn, fromServer]) == [0, 0, 0, 1])
    // What a handshake said stays: a forged or simultaneous SYN does not turn a conversation round.
    #expect(try sides(.clientServer, [syn, Build.tcp(tcp.reversed, .syn), fromServer]) == [0, 1, 1])
    #expect(try sides(.clientServer, [fromServer, Build.tcp(tcp, [.syn, .fin]), fromServer]) == [0, 1, 0])
  }

  @Test func `each conversation of two hosts has its own client, packets without ports follow the first`()
    throws
  {
    func icmp(_ tuple: FiveTuple) -> [UInt8] {
      Build.ethernet(0x0800, Build.ip(tuple.source, tuple.destination, 1, [8, 0, 0, 0, 0, 0, 0, 0]))
    }
    let packets = [
      Build.tcp(tcp, .syn), Build.tcp(other.reversed, .syn), Build.tcp(other, .ack), icmp(tcp.reversed),
      icmp(tcp),
    ]
    #expect(try sides(.clientServer, packets) == [0, 0, 1, 1, 0])
    #expect(try sides(.clientServer, [icmp(tcp.reversed), icmp(tcp), icmp(tcp.reversed)]) == [0, 1, 0])
    // A handshake knows better than the first ping.
    #expect(try sides(.clientServer, [icmp(tcp.reversed), Build.tcp(tcp, .syn), icmp(tcp)]) == [0, 0, 0])
  }

  @Test func `what has no IP addresses is the client's, or outside the list`() throws {
    let packets = [Build.ethernet(0x88CC, [1, 2, 3, 4]), [], [1, 2, 3], Build.ethernet(0x0800, [0x45])]
    #expect(try sides(.clientServer, packets) == [0, 0, 0, 0])
    let all = try #require(IPPrefix(Build.client, length: 0))
    #expect(try sides(.prefixes([all]), packets) == [1, 1, 1, 1])
  }

  @Test func `cut packets are dealt by what is left of them`() throws {
    let there = Build.tcp(tcp, .syn, payload: 50), back = Build.tcp(tcp.reversed, .ack, payload: 50)
    // With ports but without flags; with addresses only; with neither.
    for length in [14 + 20 + 4, 14 + 20] {
      #expect(try sides(.clientServer, [there, back, there], cutTo: length) == [0, 1, 0])
    }
    #expect(try sides(.clientServer, [there, back, there], cutTo: 20) == [0, 0, 0])
  }

  @Test func `the first packet's source, or sources in a list`() throws {
    func frame(_ source: UInt64) -> [UInt8] {
      [2, 0, 0, 0, 0, 9] + (0..<6).map { UInt8(truncatingIfNeeded: source >> UInt64(40 - 8 * $0)) } + [
        0x88, 0xCC, 0,
      ]
    }
    let packets = [frame(7), frame(8), frame(9), frame(7), [1, 2]]
    #expect(try sides(.firstMAC, packets) == [0, 1, 1, 0, 1])
    #expect(try sides(.macs([MACAddress(8), MACAddress(9)]), packets) == [1, 0, 0, 1, 1])
  }

  @Test func `sources in prefixes of either family`() throws {
    let tuple6 = Build.tuple(isIPv6: true)
    let packets = [Build.udp(udp), Build.udp(udp.reversed), Build.udp(tuple6), Build.udp(tuple6.reversed)]
    let client = try #require(IPPrefix(Build.client, length: 32))
    let server6 = try #require(IPPrefix(Build.server6, length: 128))
    let all6 = try #require(IPPrefix(Build.client6, length: 64))
    #expect(try sides(.prefixes([client, server6]), packets) == [0, 1, 1, 0])
    #expect(try sides(.prefixes([all6]), packets) == [1, 1, 0, 0])
  }

  @Test func `any traffic: the two ends of a conversation are on different sides`() throws {
    var random = SplitMix64(state: 11)
    var splitter = try splitter(.clientServer, sets: 4096)
    var clients: [UInt16: Int] = [:]
    for index in 0..<20_000 {
      let port = UInt16(1000 + random.next() % 500)
      let isTCP = port % 2 == 0, isReversed = random.next() & 1 == 1
      var tuple = Build.tuple(port, isTCP ? .tcp : .udp, isIPv6: port % 3 == 0)
      if isReversed { tuple = tuple.reversed }
      let packet = isTCP ? Build.tcp(tuple, .ack) : Build.udp(tuple)
      let side = side(&splitter, packet, at: Double(index) / 100)
      let clientSide = isReversed ? 1 - side : side
      #expect(clients[port, default: clientSide] == clientSide)
      clients[port] = clientSide
    }
    #expect(splitter.forgotten == 0 && clients.count == 500)
  }

  @Test func `when it is full the one unused for longest is forgotten, and counted`() throws {
    let memory = try memory(1)
    func side(_ port: UInt16, at seconds: Double, isReversed: Bool = false) -> Int {
      var tuple = Build.tuple(port)
      if isReversed { tuple = tuple.reversed }
      return memory.side(
        source: tuple.source, sourcePort: tuple.sourcePort, destination: tuple.destination,
        destinationPort: tuple.destinationPort, isTCP: false, opening: .unknown, time: .seconds(seconds))
    }
    // Seven conversations and their pair of hosts.
    for port in 1...7 as ClosedRange<UInt16> { #expect(side(port, at: Double(port)) == 0) }
    #expect(memory.forgotten == 0 && side(1, at: 10, isReversed: true) == 1)
    #expect(side(8, at: 11) == 0 && memory.forgotten == 1)
    // The second was the oldest: whoever is seen next is its client.
    #expect(side(2, at: 12, isReversed: true) == 0)
    #expect(side(1, at: 13, isReversed: true) == 1)
  }

  @Test func `after an hour without packets a conversation is new`() throws {
    for (hours, expected) in [(0.9, [0, 1]), (1.1, [0, 0])] {
      var splitter = try splitter(.clientServer)
      #expect(
        [
          side(&splitter, Build.udp(udp), at: 0),
          side(&splitter, Build.udp(udp.reversed), at: hours * 3600),
        ] == expected)
      #expect(splitter.forgotten == 0)
    }
  }

  @Test func `packets of one time, be it zero, push nobody out while there is room`() throws {
    for seconds in [0.0, 1_700_000_000] {
      let memory = try memory(1)
      func side(_ port: UInt16, isReversed: Bool = false) -> Int {
        let tuple = isReversed ? Build.tuple(port).reversed : Build.tuple(port)
        return memory.side(
          source: tuple.source, sourcePort: tuple.sourcePort, destination: tuple.destination,
          destinationPort: tuple.destinationPort, isTCP: false, opening: .unknown, time: .seconds(seconds))
      }
      for port in 1...7 as ClosedRange<UInt16> { #expect(side(port) == 0) }
      for port in 1...7 as ClosedRange<UInt16> { #expect(side(port, isReversed: true) == 1) }
      #expect(memory.forgotten == 0)
      // Full, and none older than another: a new one is right about itself all the same.
      for port in 8...99 as ClosedRange<UInt16> { #expect(side(port, isReversed: port % 2 == 0) == 0) }
    }
  }
}
