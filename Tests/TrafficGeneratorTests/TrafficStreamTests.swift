import Dataplane
import Testing
import TrafficGenerator

@Suite("Generated traffic: the packets")
struct TrafficStreamTests {
  @Test func `the number of packets is exact, and time never runs backwards`() throws {
    var dice = Dice(state: 1)
    for _ in 0..<100 {
      let options = dice.options()
      let traffic = try Traffic(options)
      #expect(traffic.packets.count == options.packets, "\(options)")
      #expect(traffic.byteCount == traffic.packets.reduce(0) { $0 + UInt64($1.bytes.count) })
      let times = traffic.packets.map(\.time)
      #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 }, "\(options)")
      #expect(traffic.conversations.allSatisfy { !$0.isEmpty }, "each conversation has a packet: \(options)")
    }
  }

  @Test func `the same options give the same bytes, another seed others`() throws {
    let first = try Traffic { ($0.flows, $0.packets, $0.seed) = (100, 2000, 9) }
    let second = try Traffic { ($0.flows, $0.packets, $0.seed) = (100, 2000, 9) }
    let other = try Traffic { ($0.flows, $0.packets, $0.seed) = (100, 2000, 10) }
    #expect(first.packets == second.packets)
    #expect(first.packets.map(\.bytes) != other.packets.map(\.bytes))
  }

  /// FNV-1a of all bytes and times: other numbers mean that old captures cannot be made again.
  @Test func `the bytes are those of every machine`() throws {
    let traffic = try Traffic {
      ($0.flows, $0.packets, $0.seed, $0.families, $0.fragments) = (200, 4000, 7, .both, 0.1)
    }
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    for packet in traffic.packets {
      packet.bytes.forEach(add)
      for shift in stride(from: 0, to: 64, by: 8) {
        add(UInt8(truncatingIfNeeded: packet.time.nanoseconds >> UInt64(shift)))
      }
    }
    #expect(hash == 0xB204_F008_95B7_321F)
  }

  @Test func `each conversation has a tuple of its own and keeps it`() throws {
    let traffic = try Traffic {
      ($0.flows, $0.packets, $0.families) = (5000, 30_000, .both)
    }
    let flows = traffic.conversations.map { Set($0.map(\.flow)) }
    #expect(flows.allSatisfy { $0.count == 1 })
    #expect(Set(flows.compactMap(\.first)).count == 5000)
  }

  @Test func `connections begin with a handshake and their FINs are answered`() throws {
    let traffic = try Traffic {
      ($0.flows, $0.packets, $0.transports) = (64, 1280, .tcp)
    }
    var closed = 0
    for packets in traffic.conversations where packets.count > 3 {
      let flags = packets.map(\.flags)
      #expect(Array(flags[..<3]) == [.syn, [.syn, .ack], .ack])
      if flags.filter({ $0.contains(.fin) }).count == 2 {
        closed += 1
        #expect(Array(flags.suffix(3)) == [[.fin, .ack], [.fin, .ack], .ack])
      }
    }
    #expect(UInt64(closed) == traffic.plan.sessions.finACK && closed > 0)
  }

  @Test func `data goes both ways, and some of it again`() throws {
    let traffic = try Traffic {
      ($0.flows, $0.packets, $0.transports, $0.retransmits) = (16, 4000, .tcp, 0.2)
    }
    let data = traffic.packets.filter { $0.flags == [.psh, .ack] }
    #expect(Set(data.map(\.tuple)).count > 16, "from both sides")
    let again = traffic.conversations.reduce(0) { sum, packets in
      let data = packets.filter { $0.flags == [.psh, .ack] }
      return sum + data.count - Set(data.map { "\($0.tuple) \($0.sequence)" }).count
    }
    #expect(again > data.count / 10 && again < data.count / 4, "\(again) of \(data.count)")
  }

  @Test(arguments: TrafficOptions.Families.allCases)
  func `data frames are as long as was asked`(families: TrafficOptions.Families) throws {
    for size in [75, 100, 1514, 9014] {
      let traffic = try Traffic {
        ($0.flows, $0.packets, $0.size, $0.families) = (40, 800, .bytes(size), families)
      }
      let data = traffic.packets.filter { !$0.isTCP || $0.flags == [.psh, .ack] }
      #expect(data.count > 400 && data.allSatisfy { $0.bytes.count == size }, "\(size)")
    }
  }

  @Test func `IMIX sizes are as 7 to 4 to 1`() throws {
    let traffic = try Traffic {
      ($0.flows, $0.packets, $0.transports) = (100, 24_000, .udp)
    }
    let counts = Dictionary(grouping: traffic.packets, by: \.bytes.count).mapValues(\.count)
    #expect(Set(counts.keys) == [64, 576, 1500])
    for (size, share) in [(64, 14_000), (576, 8000), (1500, 2000)] {
      #expect(abs((counts[size] ?? 0) - share) < 300, "\(counts)")
    }
  }

  @Test func `tags stand where they should`() throws {
    let single = try Traffic { ($0.flows, $0.packets, $0.tags) = (4, 40, .vlan(291)) }
    #expect(single.packets.allSatisfy { $0.bytes[12..<16].elementsEqual([0x81, 0x00, 0x01, 0x23]) })
    let double = try Traffic { ($0.flows, $0.packets, $0.tags) = (4, 40, .qinq(outer: 5, inner: 6)) }
    let tags: [UInt8] = [0x88, 0xA8, 0, 5, 0x81, 0x00, 0, 6]
    #expect(double.packets.allSatisfy { $0.bytes[12..<20].elementsEqual(tags) })
  }

  @Test func `zipf: the k-th conversation has a share of 1 in k`() throws {
    let traffic = try Traffic {
      ($0.flows, $0.packets, $0.transports, $0.distribution) = (100, 100_000, .udp, .zipf)
    }
    let counts = traffic.conversations.map(\.count)
    #expect(zip(counts, counts.dropFirst()).allSatisfy { $0 >= $1 })
    #expect((9...10).contains(counts[0] / counts[9]), "\(counts[0]) and \(counts[9])")
  }

  @Test func `steady traffic is data alone`() throws {
    let traffic = try Traffic {
      ($0.flows, $0.packets, $0.shape, $0.size) = (50, 1000, .steady, .bytes(64))
    }
    #expect(traffic.packets.allSatisfy { $0.bytes.count == 64 && (!$0.isTCP || $0.flags == [.psh, .ack]) })
    #expect(traffic.plan.sessions.live == 50)
  }

  @Test func `nobody who goes on is silent for long`() throws {
    var dice = Dice(state: 3)
    for _ in 0..<60 {
      let traffic = try Traffic(dice.options())
      for packets in traffic.conversations {
        let times = packets.map(\.time.nanoseconds)
        let isSilent = zip(times, times.dropFirst()).contains { $1 - $0 > 9_500_000_000 }
        #expect(!isSilent, "\(traffic.plan.options)")
      }
    }
  }
}
