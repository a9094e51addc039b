import Dataplane
import Testing

/// Each writer against the bytes of its RFC's drawing, each view against the same bytes.
@Suite("Header views and writers")
struct HeaderTests {
  @Test func `Ethernet`() throws {
    let packet = Packets.ethernet(0x0800)
    #expect(packet == [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0])
    let header = try EthernetHeader(parsing: packet.span.bytes)
    let (source, destination, type) = (header.source, header.destination, header.etherType)
    #expect(source == MACAddress(0x0200_0000_0001) && destination == MACAddress(0x0200_0000_0002))
    #expect(type == 0x0800)
    let length = Packets.ethernet(0x05FF)
    let lengthType = try EthernetHeader(parsing: length.span.bytes).etherType
    #expect(lengthType == nil)
  }

  @Test func `VLAN tag`() throws {
    let packet = Packets.header(4) {
      VLANTag.write(
        identifier: 0xABC, priority: 5, isDropEligible: true, typeOrLength: 0x86DD, into: &$0, at: 0)
    }
    #expect(packet == [0xBA, 0xBC, 0x86, 0xDD])
    let tag = try VLANTag(parsing: packet.span.bytes)
    let (identifier, priority, isDropEligible, type) = (
      tag.identifier, tag.priority, tag.isDropEligible, tag.typeOrLength
    )
    #expect(identifier == 0xABC && priority == 5 && isDropEligible && type == 0x86DD)
    #expect(
      VLANTag.isAnnounced(by: 0x8100) && VLANTag.isAnnounced(by: 0x88A8) && VLANTag.isAnnounced(by: 0x9100))
    #expect(!VLANTag.isAnnounced(by: 0x0800))
  }

  @Test func `ARP`() throws {
    let packet = Packets.arp(2)
    let tail: [UInt8] = [2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2]
    #expect(packet == [0, 1, 8, 0, 6, 4, 0, 2] + tail)
    let arp = try ARPPacket(parsing: packet.span.bytes)
    let (operation, sender, target) = (arp.operation, arp.senderIPv4, arp.targetIPv4)
    let (senderMAC, targetMAC) = (arp.senderMAC, arp.targetMAC)
    #expect(operation == 2 && sender == Packets.source4 && target == Packets.destination4)
    #expect(senderMAC == MACAddress(0x0200_0000_0001) && targetMAC == MACAddress(0))
  }

  @Test func `ARP between other address types has no addresses of ours`() throws {
    let packet: [UInt8] = [0, 32, 0x86, 0xDD, 1, 1, 0, 1, 1, 2, 3, 4]
    let arp = try ARPPacket(parsing: packet.span.bytes)
    let isEmpty =
      arp.senderMAC == nil && arp.targetMAC == nil && arp.senderIPv4 == nil && arp.targetIPv4 == nil
    #expect(isEmpty)
  }

  @Test func `IPv4, with its checksum`() throws {
    let packet = Packets.header(20) {
      IPv4Header.write(
        source: IPAddress(ipv4: 0xC0A8_0001), destination: IPAddress(ipv4: 0xC0A8_00C7), protocolNumber: 17,
        totalLength: 0x73, dontFragment: true, into: &$0, at: 0)
    }
    // The much quoted example with checksum 0xB861.
    let expected: [UInt8] = [
      0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xB8, 0x61, 0xC0, 0xA8, 0, 1, 0xC0, 0xA8, 0, 0xC7,
    ]
    #expect(packet == expected)
    let header = try IPv4Header(parsing: packet.span.bytes, originalLength: 0x73)
    let dontFragment = header.dontFragment
    let (length, checksum, timeToLive) = (header.totalLength, header.checksum, header.timeToLive)
    #expect(length == 0x73 && checksum == 0xB861 && timeToLive == 64 && dontFragment)
    let options = header.options.byteCount
    let isFragment = header.isFragment
    #expect(options == 0 && !isFragment)
  }

  @Test func `IPv4 fragment fields and options`() throws {
    var packet = Packets.ipv4(17, [1, 2, 3, 4], moreFragments: true, fragmentOffset: 1480)
    packet[0] = 0x46
    let header = try IPv4Header(parsing: packet.span.bytes)
    let (more, offset, id, options) = (
      header.moreFragments, header.fragmentOffset, header.identification, header.options.byteCount
    )
    #expect(more && offset == 1480 && id == 7 && options == 4)
  }

  @Test func `IPv6`() throws {
    let packet = Packets.header(40) {
      IPv6Header.write(
        source: Packets.source6, destination: Packets.destination6, nextHeader: 58, payloadLength: 0x0102,
        hopLimit: 255, trafficClass: 0xB8, flowLabel: 0xABCDE, into: &$0, at: 0)
    }
    #expect(packet.prefix(8) == [0x6B, 0x8A, 0xBC, 0xDE, 1, 2, 58, 255])
    let header = try IPv6Header(parsing: packet.span.bytes, originalLength: 1000)
    let (trafficClass, flowLabel, hopLimit) = (header.trafficClass, header.flowLabel, header.hopLimit)
    let (source, destination) = (header.source, header.destination)
    #expect(trafficClass == 0xB8 && flowLabel == 0xABCDE && hopLimit == 255)
    #expect(source == Packets.source6 && destination == Packets.destination6)
  }

  @Test func `TCP`() throws {
    let packet = Packets.tcp(flags: [.syn, .ack])
    let expected: [UInt8] = [4, 0xD2, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x12, 0xFA, 0xF0, 0, 0, 0, 0]
    #expect(packet == expected)
    let header = try TCPHeader(parsing: packet.span.bytes)
    let (sequence, acknowledgment, window) = (header.sequence, header.acknowledgment, header.window)
    let (source, destination, flags) = (header.sourcePort, header.destinationPort, header.flags)
    #expect(sequence == 1 && acknowledgment == 2 && window == 64240)
    #expect(source == 1234 && destination == 80 && flags == [.syn, .ack] && "\(flags)" == "S.")
  }

  @Test(
    arguments: [
      ([2, 4, 5, 180, 1, 3, 3, 7], 7), ([3, 3, 15, 0], 14), ([1, 1, 1, 0, 3, 3, 7, 0], nil), ([], nil),
      ([3, 2, 3, 3], nil), ([8, 0, 3, 3, 7, 0, 0, 0], nil), ([8, 1, 3, 3], nil),
      ([2, 200, 3, 3], nil), ([1, 1, 1, 3], nil), ([3, 4, 9, 9, 3, 3, 2, 0], 2),
    ] as [([UInt8], UInt8?)])
  func `window scale among whole, missing and malformed options`(options: [UInt8], scale: UInt8?) throws {
    var packet = Packets.tcp() + options
    while packet.count % 4 != 0 { packet.append(0) }
    packet[12] = UInt8(packet.count / 4) << 4
    let found = try TCPHeader(parsing: packet.span.bytes).windowScale()
    #expect(found == scale)
  }

  @Test func `window scale cut by the capture is not seen`() throws {
    var packet = Packets.tcp() + [1, 3, 3, 7]
    packet[12] = 0x60
    let bytes = packet.span.bytes.extracting(first: 23)
    let found = try TCPHeader(parsing: bytes, segmentLength: 24).windowScale()
    #expect(found == nil)
  }

  @Test func `TCP, a SYN's options`() throws {
    let packet = Packets.header(28) {
      TCPHeader.write(
        sourcePort: 1, destinationPort: 2, sequence: 3, flags: .syn, window: 4, into: &$0, at: 0)
      TCPHeader.writeSYNOptions(maximumSegmentSize: 1460, windowScale: 7, into: &$0, at: 0)
    }
    #expect(packet.suffix(8) == [2, 4, 5, 180, 1, 3, 3, 7])
    let header = try TCPHeader(parsing: packet.span.bytes)
    let (length, scale) = (header.dataOffset, header.windowScale())
    #expect(length == 28 && scale == 7)
  }

  @Test func `IPv6 fragment header`() throws {
    let packet = Packets.header(8) {
      IPv6ExtensionHeaders.writeFragment(
        nextHeader: 17, fragmentOffset: 0x1238, moreFragments: true, identification: 0xA1B2_C3D4, into: &$0,
        at: 0)
    }
    #expect(packet == [17, 0, 0x12, 0x39, 0xA1, 0xB2, 0xC3, 0xD4])
    let chain = try IPv6ExtensionHeaders(parsing: packet.span.bytes, first: 44, originalLength: 8)
    #expect(chain.upperProtocol == 17 && chain.fragment == .later && chain.fragmentOffset == 0x1238)
    #expect(chain.identification == 0xA1B2_C3D4 && chain.length == 8)
  }

  @Test func `UDP`() throws {
    let packet = Packets.udp([1, 2, 3]) + [9]
    #expect(packet.prefix(8) == [4, 0xD2, 0, 53, 0, 11, 0, 0])
    let header = try UDPHeader(parsing: packet.span.bytes)
    let (source, destination, length) = (header.sourcePort, header.destinationPort, header.length)
    let payload = header.payload.byteCount
    #expect(source == 1234 && destination == 53 && length == 11 && payload == 3)
  }

  @Test func `ICMP and ICMPv6`() throws {
    #expect(Packets.echo(.ipv4) == [8, 0, 0, 0, 0, 5, 0, 6])
    #expect(Packets.echo(.ipv4, isReply: true)[0] == 0)
    #expect(Packets.echo(.ipv6)[0] == 128 && Packets.echo(.ipv6, isReply: true)[0] == 129)
    let echo = Packets.echo(.ipv4, isReply: true)
    let header = try ICMPHeader(parsing: echo.span.bytes, family: .ipv4)
    let (isReply, identifier, sequence, quoted) = (
      header.isReply, header.identifier, header.sequence, header.quotedPacket.byteCount
    )
    #expect(isReply && identifier == 5 && sequence == 6 && quoted == 0)
    let error: [UInt8] = [1, 4, 0, 0, 0, 0, 0, 0, 0x60]
    let unreachable = try ICMPHeader(parsing: error.span.bytes, family: .ipv6)
    let (isError, first, type, code) = (
      unreachable.isError, unreachable.quotedPacket.byteCount, unreachable.type, unreachable.code
    )
    #expect(isError && first == 1 && type == 1 && code == 4)
  }

  @Test func `ESP, AH and GRE`() throws {
    let esp: [UInt8] = [0, 0, 0x10, 1, 0, 0, 0, 9]
    let header = try ESPHeader(parsing: esp.span.bytes)
    let (spi, sequence) = (header.spi, header.sequence)
    #expect(spi == 0x1001 && sequence == 9)
    let ah: [UInt8] = [6, 4, 0, 0, 0, 0, 0, 7, 0, 0, 0, 8] + [UInt8](repeating: 0, count: 12)
    let authentication = try AuthenticationHeader(parsing: ah.span.bytes, originalLength: ah.count)
    let (next, length, ahSPI, ahSequence) = (
      authentication.nextHeader, authentication.headerLength, authentication.spi, authentication.sequence
    )
    #expect(next == 6 && length == 24 && ahSPI == 7 && ahSequence == 8)
    let gre = Packets.header(4) {
      GREHeader.write(protocolType: EtherType.transparentEthernetBridging, into: &$0, at: 0)
    }
    #expect(gre == [0, 0, 0x65, 0x58])
  }
}
