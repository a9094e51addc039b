import Dataplane
import Testing

@Suite("Malformed packets have a named reason")
struct FrameMalformedTests {
  /// Changes one byte of a packet.
  private static func spoiled(_ packet: [UInt8], at offset: Int, _ value: UInt8) -> [UInt8] {
    var packet = packet
    packet[offset] = value
    return packet
  }

  private static let tcp4 = Packets.ethernet(EtherType.ipv4, Packets.ipv4(6, Packets.tcp()))
  private static let udp4 = Packets.ethernet(EtherType.ipv4, Packets.ipv4(17, Packets.udp([1, 2])))
  private static let tcp6 = Packets.ethernet(EtherType.ipv6, Packets.ipv6(6, Packets.tcp()))

  private static func ip4(_ number: UInt8, _ payload: [UInt8], more: Bool = false, offset: Int = 0) -> [UInt8]
  {
    Packets.ethernet(
      EtherType.ipv4, Packets.ipv4(number, payload, moreFragments: more, fragmentOffset: offset))
  }
  private static func ip6(_ next: UInt8, _ payload: [UInt8], length: Int? = nil) -> [UInt8] {
    Packets.ethernet(EtherType.ipv6, Packets.ipv6(next, payload, payloadLength: length))
  }

  @Test func `an Ethernet frame shorter than its header`() {
    #expect(Packets.reason([]) == .truncatedEthernet)
    #expect(Packets.reason(Array(Self.tcp4.prefix(13))) == .truncatedEthernet)
  }

  @Test func `VLAN tags that end early or do not end`() {
    let four = Packets.tag(
      2, 0x8100, Packets.tag(3, 0x88A8, Packets.tag(4, 0x0800, Packets.ipv4(6, Packets.tcp()))))
    #expect(Packets.reason(Packets.ethernet(0x8100, [0, 1, 8])) == .truncatedVLANTag)
    #expect(Packets.reason(Packets.ethernet(0x8100, Packets.tag(1, 0x8100, [0]))) == .truncatedVLANTag)
    #expect(Packets.reason(Packets.ethernet(0x9100, Packets.tag(1, 0x8100, four))) == nil)
    #expect(
      Packets.reason(Packets.ethernet(0x9100, Packets.tag(1, 0x8100, Packets.tag(9, 0x8100, four))))
        == .tooManyVLANTags)
  }

  @Test func `cooked, loopback and raw links`() {
    #expect(Packets.reason([UInt8](repeating: 0, count: 15), link: .linuxCooked) == .truncatedLinkHeader)
    #expect(Packets.reason([UInt8](repeating: 0, count: 19), link: .linuxCooked2) == .truncatedLinkHeader)
    #expect(Packets.reason([2, 0, 0], link: .bsdNull) == .truncatedLinkHeader)
    #expect(Packets.reason([2, 0, 0], link: .bsdLoop) == .truncatedLinkHeader)
    #expect(Packets.reason([], link: .rawIP) == .truncatedIP)
    #expect(Packets.reason([0x50], link: .rawIP) == .badIPVersion)
  }

  @Test func `IPv4 header fields that contradict the packet`() {
    #expect(Packets.reason(Array(Self.tcp4.prefix(33))) == .truncatedIPv4)
    #expect(Packets.reason(Self.spoiled(Self.tcp4, at: 14, 0x65)) == .badIPv4Version)
    #expect(Packets.reason(Self.spoiled(Self.tcp4, at: 14, 0x44)) == .badIPv4HeaderLength)
    #expect(Packets.reason(Self.spoiled(Self.tcp4, at: 14, 0x4F)) == .badIPv4HeaderLength)
    #expect(Packets.reason(Self.spoiled(Self.tcp4, at: 17, 19)) == .badIPv4TotalLength)
    #expect(Packets.reason(Self.spoiled(Self.tcp4, at: 17, 41)) == .badIPv4TotalLength)
    #expect(Packets.reason(Array(Self.tcp4.dropLast())) == .badIPv4TotalLength)
  }

  @Test func `fragments beyond the largest datagram, and first ones without ports`() {
    let payload = [UInt8](repeating: 0, count: 16)
    #expect(Packets.reason(Self.ip4(17, payload, offset: 65_520)) == .badFragmentOffset)
    // The header counts too.
    #expect(Packets.reason(Self.ip4(17, payload, offset: 65_496)) == nil)
    #expect(Packets.reason(Self.ip4(17, payload, offset: 65_504)) == .badFragmentOffset)
    #expect(Packets.reason(Self.ip4(17, [0, 1, 0, 2, 0, 99, 0], more: true)) == .firstFragmentTooShort)
    #expect(Packets.reason(Self.ip4(6, [0, 1, 0, 2, 0, 99, 0], more: true)) == .firstFragmentTooShort)
    let late = Packets.fragmentHeader(next: 17, offset: 65_528, more: true)
    #expect(Packets.reason(Self.ip6(44, late + payload)) == .badFragmentOffset)
    let first = Packets.fragmentHeader(next: 17, offset: 0, more: true)
    #expect(Packets.reason(Self.ip6(44, first + [0, 1, 0, 2])) == .firstFragmentTooShort)
    let last = Packets.fragmentHeader(next: 17, offset: 65_520, more: false)
    #expect(Packets.reason(Self.ip6(44, last + payload.dropLast())) == nil)
    // A header before the fragment header counts into the payload length.
    #expect(
      Packets.reason(Self.ip6(60, Packets.options(next: 44) + last + payload.dropLast()))
        == .badFragmentOffset)
  }

  @Test func `first fragments end behind the transport header, RFC 1858 and RFC 7112`() {
    let tcp = Packets.tcp()
    #expect(Packets.reason(Self.ip4(6, Array(tcp.prefix(16)), more: true)) == .firstFragmentTooShort)
    #expect(Packets.reason(Self.ip4(6, tcp + [1, 2, 3, 4], more: true)) == nil)
    var options = tcp + [UInt8](repeating: 1, count: 4)
    options[12] = 7 << 4
    #expect(Packets.reason(Self.ip4(6, options, more: true)) == .firstFragmentTooShort)
    #expect(Packets.reason(Self.ip4(6, options + [1, 1, 1, 1, 0, 0, 0, 0], more: true)) == nil)
    #expect(Packets.reason(Self.ip4(50, [1, 2, 3, 4], more: true)) == .firstFragmentTooShort)
    #expect(Packets.reason(Self.ip4(1, [8, 0, 0, 0], more: true)) == .firstFragmentTooShort)
    let first = Packets.fragmentHeader(next: 60, offset: 0, more: true)
    #expect(Packets.reason(Self.ip6(44, first + [6, 3, 0, 0, 0, 0, 0, 0])) == .firstFragmentTooShort)
    #expect(Packets.reason(Self.ip6(44, first + [6, 0, 0])) == .firstFragmentTooShort)
    let authenticated = Packets.fragmentHeader(next: 51, offset: 0, more: true)
    #expect(Packets.reason(Self.ip6(44, authenticated + [6, 4, 0, 0])) == .firstFragmentTooShort)
    #expect(Packets.reason(Self.ip4(51, [6, 4, 0, 0, 0, 0, 0, 0], more: true)) == .firstFragmentTooShort)
  }

  @Test func `later fragments inside the TCP header, and lengths that no sender makes`() {
    let payload = [UInt8](repeating: 0, count: 16)
    for offset in [8, 16] {
      #expect(Packets.reason(Self.ip4(6, payload, offset: offset)) == .fragmentInsideHeader)
      let header = Packets.fragmentHeader(next: 6, offset: offset, more: false)
      #expect(Packets.reason(Self.ip6(44, header + payload)) == .fragmentInsideHeader)
    }
    #expect(Packets.reason(Self.ip4(6, payload, offset: 24)) == nil)
    #expect(Packets.reason(Self.ip4(17, payload, offset: 8)) == nil)
    #expect(Packets.reason(Self.ip4(17, [], offset: 64)) == .badFragmentLength)
    #expect(Packets.reason(Self.ip4(17, [1, 2, 3], more: true, offset: 64)) == .badFragmentLength)
    #expect(Packets.reason(Self.ip4(17, [1, 2, 3], offset: 64)) == nil)
    let odd = Packets.udp([1, 2, 3])
    #expect(Packets.reason(Self.ip4(17, odd, more: true)) == .badFragmentLength)
    let header = Packets.fragmentHeader(next: 17, offset: 64, more: true)
    #expect(Packets.reason(Self.ip6(44, header + [1, 2, 3])) == .badFragmentLength)
    #expect(Packets.reason(Self.ip6(44, header)) == .badFragmentLength)
  }

  @Test func `a fragment header inside a first fragment ends the chain`() throws {
    let inner = Packets.fragmentHeader(next: 17, offset: 0, more: false)
    let outer = Packets.fragmentHeader(next: 44, offset: 0, more: true)
    let frame = try Packets.parse(Self.ip6(44, outer + inner + Packets.udp()))
    #expect(frame.isFirstFragment && frame.kind == .otherIP && !frame.hasPorts)
  }

  @Test func `IPv6 header fields that contradict the packet`() {
    #expect(Packets.reason(Array(Self.tcp6.prefix(53))) == .truncatedIPv6)
    #expect(Packets.reason(Self.spoiled(Self.tcp6, at: 14, 0x45)) == .badIPv6Version)
    #expect(Packets.reason(Self.spoiled(Self.tcp6, at: 19, 21)) == .badIPv6PayloadLength)
    let hop = Packets.options(next: 6) + Packets.tcp()
    #expect(Packets.reason(Self.ip6(0, hop, length: 0)) == .badIPv6PayloadLength)
  }

  @Test func `IPv6 extension headers that run out, repeat or come in the wrong place`() {
    #expect(Packets.reason(Self.ip6(60, [6, 0, 0, 0])) == .truncatedIPv6ExtensionHeader)
    #expect(Packets.reason(Self.ip6(43, [6, 1, 0, 0, 0, 0, 0, 0])) == .truncatedIPv6ExtensionHeader)
    #expect(Packets.reason(Self.ip6(44, [6, 1, 0, 0, 0, 0, 0])) == .truncatedIPv6ExtensionHeader)
    let twice = Packets.options(next: 0) + Packets.options(next: 59)
    #expect(Packets.reason(Self.ip6(0, twice)) == .misplacedHopByHopOptions)
    var chain = Packets.tcp()
    for index in 0..<16 { chain = Packets.options(next: index == 0 ? 6 : 60) + chain }
    #expect(Packets.reason(Self.ip6(60, chain)) == nil)
    #expect(Packets.reason(Self.ip6(60, Packets.options(next: 60) + chain)) == .tooManyIPv6ExtensionHeaders)
  }

  @Test func `authentication headers with impossible lengths, in both families`() {
    let tooSmall: [UInt8] = [6, 0] + [UInt8](repeating: 0, count: 10)
    let tooLarge: [UInt8] = [6, 5] + [UInt8](repeating: 0, count: 25)
    for payload in [tooSmall, tooLarge, Array(tooSmall.dropLast())] {
      #expect(Packets.reason(Self.ip4(51, payload)) == .badAHLength)
      #expect(Packets.reason(Self.ip6(51, payload)) == .badAHLength)
    }
  }

  @Test func `TCP headers that are short or lie about their options`() {
    #expect(Packets.reason(Self.ip4(6, Array(Packets.tcp().prefix(19)))) == .truncatedTCP)
    #expect(Packets.reason(Self.ip6(6, Array(Packets.tcp().prefix(3)))) == .truncatedTCP)
    #expect(Packets.reason(Self.spoiled(Self.tcp4, at: 46, 0x40)) == .badTCPDataOffset)
    #expect(Packets.reason(Self.spoiled(Self.tcp4, at: 46, 0x60)) == .badTCPDataOffset)
    #expect(Packets.reason(Self.ip6(6, [])) == .truncatedTCP)
  }

  @Test func `Ethernet padding does not pass for a TCP header`() {
    let packet = Self.ip4(6, Array(Packets.tcp().prefix(12))) + [UInt8](repeating: 0x50, count: 20)
    #expect(Packets.reason(packet) == .truncatedTCP)
  }

  @Test func `UDP headers that are short or lie about their length`() {
    #expect(Packets.reason(Self.ip4(17, [0, 1, 0, 2, 0, 7, 0])) == .truncatedUDP)
    #expect(Packets.reason(Self.spoiled(Self.udp4, at: 39, 7)) == .badUDPLength)
    #expect(Packets.reason(Self.spoiled(Self.udp4, at: 39, 11)) == .badUDPLength)
    #expect(Packets.reason(Self.spoiled(Self.udp4, at: 39, 0)) == .badUDPLength)
    #expect(Packets.reason(Self.spoiled(Self.udp4, at: 39, 9)) == nil)
  }

  @Test func `ICMP, ESP and ARP that are short`() {
    #expect(Packets.reason(Self.ip4(1, [8, 0, 0, 0, 0, 1, 0])) == .truncatedICMP)
    #expect(Packets.reason(Self.ip6(58, [128, 0, 0])) == .truncatedICMPv6)
    #expect(Packets.reason(Self.ip4(50, [0, 0, 1, 0, 0, 0, 0])) == .truncatedESP)
    #expect(Packets.reason(Packets.ethernet(EtherType.arp, Array(Packets.arp().prefix(27)))) == .truncatedARP)
    #expect(Packets.reason(Packets.ethernet(EtherType.arp, Array(Packets.arp().prefix(7)))) == .truncatedARP)
    #expect(Packets.reason(Packets.ethernet(EtherType.arp, Self.spoiled(Packets.arp(), at: 4, 5))) == .badARP)
    #expect(Packets.reason(Packets.ethernet(EtherType.arp, Self.spoiled(Packets.arp(), at: 5, 3))) == .badARP)
  }

  @Test func `a drop reason has a unique name and a sentence`() {
    let names = Set(DropReason.allCases.map(\.name))
    #expect(names.count == DropReason.allCases.count)
    for reason in DropReason.allCases {
      #expect(String(reflecting: reason).hasSuffix(reason.name))
      #expect(reason.sentence.hasSuffix("."))
    }
  }
}
