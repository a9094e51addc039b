import Dataplane
import Testing

@Suite("Frame, the one demux")
struct FrameTests {
  private static let tcp4 = Packets.ethernet(EtherType.ipv4, Packets.ipv4(6, Packets.tcp([1, 2, 3])))

  @Test func `a frame is 16 bytes`() { #expect(MemoryLayout<Frame>.size == 16) }

  @Test func `the plain TCP packet`() throws {
    let packet = Self.tcp4 + [UInt8](repeating: 0, count: 3)
    let frame = try Packets.parse(packet)
    #expect(frame.kind == .tcp && frame.family == 4 && frame.ipProtocol == 6)
    #expect(frame.networkOffset == 14 && frame.transportOffset == 34 && frame.transportLength == 23)
    #expect(frame.hasPorts && frame.tcpFieldsCaptured && !frame.isSnapped && frame.tagCount == 0)
    let bytes = packet.span.bytes
    let ports = frame.ports(in: bytes).value
    let flags = frame.tcp(in: bytes).flags
    let length = frame.tcpPayloadLength(in: bytes)
    let source = frame.ipv4(in: bytes).source
    #expect(ports == 1234 << 16 | 80 && flags == .syn && length == 3 && source == Packets.source4)
  }

  @Test func `a packet cut before its ports is not malformed`() throws {
    for captured in 0..<38 {
      let frame = try Packets.parse(Self.tcp4, captured: captured)
      #expect(frame.kind == .cutBeforePorts && frame.isSnapped && !frame.hasPorts, "\(captured)")
    }
  }

  @Test func `a packet cut behind its ports is a session's`() throws {
    for captured in 38..<Self.tcp4.count {
      let frame = try Packets.parse(Self.tcp4, captured: captured)
      #expect(frame.kind == .tcp && frame.isSnapped && frame.transportLength == 23, "\(captured)")
      #expect(frame.tcpFieldsCaptured == (captured >= 54), "\(captured)")
    }
  }

  @Test func `protocols without ports keep their kind when cut`() throws {
    let icmp = Packets.ethernet(EtherType.ipv4, Packets.ipv4(1, Packets.echo(.ipv4)))
    let arp = Packets.ethernet(EtherType.arp, Packets.arp())
    #expect(try Packets.parse(icmp, captured: 34).kind == .icmp)
    #expect(try Packets.parse(arp, captured: 20).kind == .arp)
    #expect(try Packets.parse(arp, captured: 20).isSnapped)
  }

  @Test func `an original length below the captured count is ignored`() throws {
    #expect(try Packets.parse(Self.tcp4, original: 20).kind == .tcp)
  }

  @Test func `IPv4 total length 0 means the original length`() throws {
    var packet = Self.tcp4
    packet[16] = 0
    packet[17] = 0
    #expect(try Packets.parse(packet).transportLength == 23)
    let frame = try Packets.parse(packet, original: 60_014)
    #expect(frame.kind == .tcp && frame.isSnapped && frame.transportLength == 59_980)
  }

  @Test func `a jumbogram is as long as its original length`() throws {
    let jumbo: [UInt8] = [6, 0, 0xC2, 4, 0, 1, 0, 0]
    let packet = Packets.ipv6(0, jumbo + Packets.tcp(), payloadLength: 0)
    let frame = try Packets.parse(packet, link: .rawIP, original: 70_048)
    #expect(frame.kind == .tcp && frame.transportOffset == 48 && frame.transportLength == 70_000)
    let udp: [UInt8] = [17, 0, 0xC2, 4, 0, 1, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0]
    let datagram = try Packets.parse(Packets.ipv6(0, udp, payloadLength: 0), link: .rawIP, original: 70_048)
    #expect(datagram.kind == .udp)
  }

  @Test func `lengths inside a first fragment are not held against it`() throws {
    let datagram = Packets.udp([UInt8](repeating: 0, count: 100))
    let packet = Packets.ethernet(
      EtherType.ipv4, Packets.ipv4(17, Array(datagram.prefix(16)), moreFragments: true))
    let frame = try Packets.parse(packet)
    #expect(frame.kind == .udp && frame.isFirstFragment && !frame.isSnapped)
    #expect(frame.fragment(in: packet.span.bytes, originalLength: 0).identification == 7)
    let part = frame.fragment(in: packet.span.bytes, originalLength: 0)
    #expect(part.offset == 0 && part.length == 16 && part.end == 16 && part.hasMore)
    let segment = Packets.tcp([UInt8](repeating: 0, count: 12))
    let tcp = Packets.ethernet(EtherType.ipv4, Packets.ipv4(6, segment, moreFragments: true))
    let cut = try Packets.parse(tcp, captured: 14 + 20 + 16)
    #expect(cut.kind == .tcp && cut.isFirstFragment && !cut.tcpFieldsCaptured && cut.isSnapped)
  }

  @Test func `an IPv6 fragment behind other headers gives its identification`() throws {
    let fragment = Packets.fragmentHeader(next: 17, offset: 800, more: false, id: 0xDEAD_BEEF)
    let packet = Packets.ipv6(0, Packets.options(next: 44, units: 2) + fragment + [1, 2, 3])
    let frame = try Packets.parse(packet, link: .rawIP)
    #expect(frame.kind == .laterFragment && frame.ipProtocol == 17 && frame.transportOffset == 0)
    #expect(frame.transportLength == 3)
    #expect(frame.fragment(in: packet.span.bytes, originalLength: 0).identification == 0xDEAD_BEEF)
  }

  @Test func `ESP in UDP is told from IKE and from keepalives`() throws {
    func isESP(_ payload: [UInt8], port: UInt16 = 4500) throws -> Bool {
      try Packets.parse(Packets.ipv4(17, Packets.udp(payload, port: port)), link: .rawIP).isUDPEncapsulatedESP
    }
    #expect(try isESP([0, 0, 1, 0, 0, 0, 0, 1]))
    #expect(try !isESP([0, 0, 0, 0, 0, 0, 0, 1]))
    #expect(try !isESP([0xFF]))
    #expect(try !isESP([0, 0, 1, 0, 0, 0, 0]))
    #expect(try !isESP([0, 0, 1, 0, 0, 0, 0, 1], port: 500))
  }

  @Test func `802.3, unknown types and unknown links`() throws {
    let lldp = try Packets.parse(Packets.ethernet(0x88CC, [1]))
    let stp = try Packets.parse(Packets.ethernet(3, [0x42, 0x42, 3]))
    let other = try Packets.parse([1, 2, 3], link: .other)
    let appleTalk = try Packets.parse([16, 0, 0, 0, 1], link: .bsdNull)
    #expect(lldp.kind == .otherEthernet && lldp.etherType == 0x88CC)
    #expect(stp.kind == .otherEthernet && stp.etherType == 0)
    #expect(other.kind == .otherLink && appleTalk.kind == .otherLink)
  }

  @Test func `the packet an ICMP error quotes is parsed by the same demux`() throws {
    let quoted = Packets.ipv4(6, Array(Packets.tcp().prefix(8)))
    var message: [UInt8] = [3, 1, 0, 0, 0, 0, 0, 0] + quoted
    message[8 + 3] = 200  // the quoted total length is that of the whole packet
    let span = message.span.bytes
    let inner = try ICMPHeader(parsing: span, family: .ipv4).quotedPacket
    let frame = try Frame.parse(inner, link: .rawIP, originalLength: .max)
    #expect(frame.kind == .tcp && frame.isSnapped && frame.transportLength == 180)
  }
}
