import Dataplane
import PacketIO
import Testing

@Suite("Actions, copies and VLAN changes")
struct WorkerCopyTests {
  private static let hop4 = IPAddress(ipv4: 0x0A00_0909)
  private static let hop6 = IPAddress(ipv6High: 0x2001_0DB8_0000_0009, low: 9)
  private static let hopMAC = MACAddress(0x02AA_BBCC_DDEE)
  private let hopBytes: [UInt8] = [0x02, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE]
  private let port2Bytes: [UInt8] = [0x02, 0, 0, 0, 0x02, 0x02]

  private func run(
    _ packets: [MemoryQueue.Packet], _ action: Action, hop: IPAddress? = hop4,
    lifs: (LIF, LIF) = (.any, .any), hopLIF: LIF = LIF(number: 2), copies: CopyEncapsulation = .ethernet,
    _ change: (inout WorkerSetup) -> Void = { _ in }
  ) throws -> WorkerRun {
    var setup = WorkerRun.setup()
    setup.neighbors = [
      Neighbor(address: Self.hop4, mac: Self.hopMAC, lif: hopLIF),
      Neighbor(address: Self.hop6, mac: Self.hopMAC, lif: hopLIF),
    ]
    setup.copies = copies
    change(&setup)
    let request = SessionRequest(
      id: SessionID(1), inLIF: lifs.0, outLIF: lifs.1, tuple: Build.tuple(), action: action, nextHop: hop,
      cacheTimeout: 100)
    let run = try WorkerRun(packets, setup: setup, requests: [request])
    #expect(run.outcomes == [.added])
    run.counts.expectEquations()
    return run
  }

  private let packet = MemoryQueue.Packet(Build.udp(Build.tuple()))

  @Test(arguments: [Action.drop, .forward, .mirror, .snoop])
  func `each action has its verdict, both ways`(action: Action) throws {
    let back = MemoryQueue.Packet(Build.udp(Build.tuple().reversed), lif: 2, port: 1)
    let run = try run([packet, back], action)
    let verdict: Verdict.Kind = [.drop, .forward, .mirror, .snoop][Int(action.rawValue)]
    #expect(run.transmitted.map(\.decision.kind) == [verdict, verdict])
    #expect(run.transmitted.map(\.decision.outLIF) == (action == .drop ? [0, 0] : [2, 1]))
    let hasCopies = action == .mirror || action == .snoop
    #expect(run.copies.count == (hasCopies ? 2 : 0) && run.counts[.copiesMade] == (hasCopies ? 2 : 0))
    #expect(run.counts[.copiesFailed] == 0 && run.counts[.matched] == 2)
    #expect(run.counts[DropReason.sessionDrop] == (action == .drop ? 2 : 0))
    #expect(run.transmitted.map(\.bytes) == [packet.bytes, back.bytes])
  }

  @Test func `with a host port a snooped original goes there as it came, the copy to the next hop`() throws {
    let lifs = (LIF(number: 1), LIF(number: 2, vlan: 7))
    let run = try run([packet], .snoop, lifs: lifs) { $0.ports[0].host = 9 }
    #expect(run.transmitted.map(\.decision.kind) == [.snoop])
    #expect(run.transmitted.map(\.decision.outLIF) == [9])
    #expect(run.transmitted.map(\.bytes) == [packet.bytes])
    #expect(run.copies.map(\.copy.outLIF) == [2] && run.counts[.copiesMade] == 1)
  }

  @Test func `a session's LIFs name the way out`() throws {
    let run = try run([packet], .forward, lifs: (LIF(number: 1), LIF(number: 7)))
    #expect(run.transmitted[0].decision.outLIF == 7)
  }

  @Test func `a copy gets the next hop's Ethernet header`() throws {
    let run = try run([packet], .mirror)
    #expect(run.copies[0].bytes == hopBytes + port2Bytes + [0x08, 0x00] + packet.bytes.dropFirst(14))
    #expect(run.copies[0].copy.outLIF == 2 && run.copies[0].copy.kind == .mirror)
    #expect(run.copies[0].copy.originalLength == UInt32(packet.bytes.count))
  }

  @Test func `a copy for a neighbour on a VLAN is tagged, the packet's own tags are gone`() throws {
    let tagged = MemoryQueue.Packet(Build.udp(Build.tuple(), vlans: [7, 8]))
    let run = try run([tagged], .snoop, hop: Self.hop6, hopLIF: LIF(number: 2, vlan: 300))
    #expect(
      run.copies[0].bytes
        == hopBytes + port2Bytes + [0x81, 0x00, 0x01, 0x2C, 0x08, 0x00] + tagged.bytes.dropFirst(22))
    #expect(run.copies[0].copy.originalLength == UInt32(tagged.bytes.count - 4))
    #expect(run.transmitted[0].bytes == tagged.bytes)
  }

  @Test func `a copy in GRE over IPv4`() throws {
    let source = IPAddress(ipv4: 0x0A00_0101)
    let run = try run([packet], .mirror, copies: .gre(sourceIPv4: source, sourceIPv6: nil))
    let inner = packet.bytes
    var ip = Build.ip(source, Self.hop4, 47, [0, 0, 0x65, 0x58] + inner)
    #expect(Array(ip[2...3]) == [0, UInt8(24 + inner.count)])
    #expect(run.copies[0].bytes.prefix(14) == ArraySlice(hopBytes + port2Bytes + [0x08, 0x00]))
    // Everything but the checksum, which is checked by its own sum.
    var outer = Array(run.copies[0].bytes.dropFirst(14))
    var sum = stride(from: 0, to: 20, by: 2).reduce(0) { $0 + Int(outer[$1]) << 8 + Int(outer[$1 + 1]) }
    sum = (sum & 0xFFFF) + sum >> 16
    #expect(sum == 0xFFFF)
    for place in 10...11 { (outer[place], ip[place]) = (0, 0) }
    #expect(outer == ip)
    #expect(run.copies[0].copy.originalLength == UInt32(inner.count + 24 + 14))
  }

  @Test func `a copy in GRE over IPv6, of a snapped packet`() throws {
    let source = IPAddress(ipv6High: 0x2001_0DB8_0000_0001, low: 1)
    let cut = MemoryQueue.Packet(packet.bytes, originalLength: UInt32(packet.bytes.count + 500))
    let run = try run(
      [cut], .mirror, hop: Self.hop6, copies: .gre(sourceIPv4: nil, sourceIPv6: source))
    var ip = Build.ip(source, Self.hop6, 47, [0, 0, 0x65, 0x58] + packet.bytes)
    let length = UInt16(4 + packet.bytes.count + 500)
    (ip[4], ip[5]) = (UInt8(length >> 8), UInt8(length & 255))
    #expect(run.copies[0].bytes == hopBytes + port2Bytes + [0x86, 0xDD] + ip)
    #expect(run.copies[0].copy.originalLength == UInt32(packet.bytes.count + 500 + 44 + 14))
  }

  @Test(arguments: [Action.mirror, .snoop])
  func `a copy that cannot be made leaves the packet alone`(action: Action) throws {
    let noHop = try run([packet], action, hop: nil)
    let unknownHop = try run([packet], action, hop: IPAddress(ipv4: 1))
    let noSource = try run([packet], action, copies: .gre(sourceIPv4: nil, sourceIPv6: nil))
    let big = MemoryQueue.Packet(Build.udp(Build.tuple(), payload: 9000))
    let tooBig = try run([big], action) { $0.packetSize = 1500 }
    for run in [noHop, unknownHop, noSource, tooBig] {
      #expect(run.counts[.copiesMade] == 1 && run.counts[.copiesFailed] == 1 && run.counts[.transmitted] == 1)
      #expect(run.transmitted[0].decision.kind == (action == .mirror ? .mirror : .snoop))
      #expect(run.copies[0].copy.failed)
    }
    #expect(noHop.transmitted[0].bytes == packet.bytes && tooBig.transmitted[0].bytes == big.bytes)
  }

  @Test func `an exhausted pool fails copies and drops what must be rewritten`() throws {
    let packets = [MemoryQueue.Packet](repeating: packet, count: 10)
    let lifs = (LIF(number: 1), LIF(number: 2, vlan: 9))
    let run = try run(packets, .mirror, lifs: lifs) { $0.poolBuffers = 14 }
    #expect(run.counts[.copiesMade] == 10 && run.counts[.copiesFailed] == 0)
    #expect(run.counts[DropReason.noBuffer] == 6 && run.counts[.mirrored] == 4)
    let few = try self.run(packets, .mirror) { $0.poolBuffers = 3 }
    #expect(few.counts[.copiesFailed] == 7 && few.counts[.mirrored] == 10)
  }

  @Test func `buffers come back after each burst`() throws {
    let packets = [MemoryQueue.Packet](repeating: packet, count: 1000)
    let run = try run(packets, .mirror) { $0.poolBuffers = 64 }
    #expect(run.counts[.copiesMade] == 1000 && run.counts[.copiesFailed] == 0)
  }

  @Test func `the out LIF's VLAN is put on, changed and taken off`() throws {
    let plain = packet.bytes
    let addresses = Array(plain.prefix(12)), rest = Array(plain.dropFirst(12))
    let added = try run([packet], .forward, lifs: (LIF(number: 1), LIF(number: 2, vlan: 0x123)))
    #expect(added.transmitted[0].bytes == addresses + [0x81, 0x00, 0x01, 0x23] + rest)
    #expect(added.transmitted[0].originalLength == UInt32(plain.count + 4))

    let tagged = MemoryQueue.Packet(Build.udp(Build.tuple(), vlans: [0x55, 0x66]))
    let inner: [UInt8] = [0x81, 0x00, 0xA0, 0x66] + rest
    let changed = try run([tagged], .forward, lifs: (LIF(number: 1, vlan: 0x55), LIF(number: 2, vlan: 0x123)))
    #expect(changed.transmitted[0].bytes == addresses + [0x81, 0x00, 0xA1, 0x23] + inner)
    let removed = try run([tagged], .mirror, lifs: (LIF(number: 1, vlan: 0x55), LIF(number: 2)))
    #expect(removed.transmitted[0].bytes == addresses + inner)
    #expect(removed.copies[0].bytes == hopBytes + port2Bytes + [0x08, 0x00] + rest.dropFirst(2))
    let same = try run([tagged], .forward, lifs: (LIF(number: 1, vlan: 0x55), LIF(number: 2, vlan: 0x55)))
    #expect(same.transmitted[0].bytes == tagged.bytes)
  }

  @Test func `a packet counts with the length it came with, whatever tag it leaves with`() throws {
    let run = try run([packet], .forward, lifs: (LIF(number: 1), LIF(number: 2, vlan: 3)))
    #expect(run.counts[.bytes] == UInt64(packet.bytes.count))
    #expect(run.sessions.first?.inBytes == UInt64(packet.bytes.count))
  }

  @Test func `links without tags keep their bytes`() throws {
    let raw = MemoryQueue.Packet(Array(packet.bytes.dropFirst(14)), link: .rawIP)
    let run = try run([raw], .mirror, lifs: (LIF(number: 1), LIF(number: 2, vlan: 3)))
    #expect(run.transmitted[0].bytes == raw.bytes)
    #expect(run.copies[0].bytes == hopBytes + port2Bytes + [0x08, 0x00] + raw.bytes)
  }

  @Test func `original lengths near the limit do not overflow`() throws {
    let raw = MemoryQueue.Packet(Array(packet.bytes.dropFirst(14)), link: .rawIP, originalLength: .max)
    let huge = MemoryQueue.Packet(packet.bytes, originalLength: .max)
    let lifs = (LIF(number: 1), LIF(number: 2, vlan: 3))
    let run = try run([huge, raw], .mirror, lifs: lifs, hopLIF: LIF(number: 2, vlan: 4))
    #expect(run.transmitted.map(\.originalLength) == [.max, .max])
    #expect(run.copies.map(\.copy.originalLength) == [.max, .max])
    #expect(run.counts[.bytes] == 2 * UInt64(UInt32.max))
  }

  @Test func `a packet too long to be rewritten is dropped`() throws {
    let big = MemoryQueue.Packet(Build.udp(Build.tuple(), payload: 9000))
    let run = try run([big], .forward, lifs: (LIF(number: 1), LIF(number: 2, vlan: 3))) {
      $0.packetSize = 1500
    }
    #expect(run.counts[DropReason.oversized] == 1 && run.counts[.matched] == 1)
  }

  @Test func `what transmit refuses is a drop`() throws {
    var setup = WorkerRun.setup()
    setup.neighbors = [Neighbor(address: Self.hop4, mac: Self.hopMAC, lif: LIF(number: 2))]
    var worker = try Worker(setup, index: 0, events: nil)
    worker.apply(
      SessionBatch(
        .add(
          [SessionRequest(id: SessionID(1), tuple: Build.tuple(), action: .mirror, nextHop: Self.hop4)],
          replacing: false)))
    var queue = RefusingQueue(inner: MemoryQueue([packet, packet, packet]))
    WorkerLoop(setup, commands: CommandRing()).run(&worker, &queue)
    let counts = Counts(setup.counters)
    counts.expectEquations()
    #expect(counts[DropReason.transmitFailed] == 1 && counts[.mirrored] == 2)
    #expect(counts[.copiesMade] == 3 && counts[.copiesFailed] == 1 && counts[.transmitted] == 4)
  }
}

/// Sends neither the first packet nor the last copy of a burst.
private struct RefusingQueue: PacketQueue, ~Copyable {
  var inner: MemoryQueue
  mutating func receive(into burst: inout PacketBurst) -> ReceiveStatus { inner.receive(into: &burst) }
  mutating func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {
    outcome[0] = .drop(.transmitFailed)
    outcome.markCopyFailed(outcome.copyCount - 1)
  }
  mutating func finish() { inner.finish() }
}
