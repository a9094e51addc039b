import Dataplane
import Testing

@Suite("One line about a packet")
struct FrameDescriptionTests {
  private static func line(_ packet: [UInt8], link: LinkType = .rawIP, captured: Int? = nil) -> String {
    Frame.describe(
      packet.span.bytes.extracting(first: captured ?? packet.count), link: link,
      originalLength: UInt32(packet.count))
  }

  @Test func `TCP`() {
    #expect(
      Self.line(Packets.ipv4(6, Packets.tcp()))
        == "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [S], seq 1, win 64240, length 0")
    #expect(
      Self.line(Packets.ipv6(6, Packets.tcp([1, 2], flags: [.psh, .ack])))
        == "IP6 2001:db8::1.1234 > 2001:db8::2.80: Flags [P.], seq 1:3, ack 2, win 64240, length 2")
    #expect(
      Self.line(Packets.ipv4(6, Packets.tcp()), captured: 30)
        == "IP 10.0.0.1.1234 > 10.0.0.2.80: TCP, length 20 [snapped]")
  }

  @Test func `VLAN tags`() {
    let packet = Packets.ethernet(
      0x88A8, Packets.tag(7, 0x8100, Packets.tag(8, 0x0800, Packets.ipv4(17, Packets.udp([1])))))
    #expect(
      Self.line(packet, link: .ethernet) == "vlan 7 (2 tags), IP 10.0.0.1.1234 > 10.0.0.2.53: UDP, length 1")
    let one = Packets.ethernet(0x8100, Packets.tag(7, 0x88CC))
    #expect(Self.line(one, link: .ethernet) == "vlan 7, ethertype 0x88cc, length 18")
  }

  @Test func `fragments`() {
    #expect(
      Self.line(Packets.ipv4(17, [1, 2, 3], fragmentOffset: 1480))
        == "IP 10.0.0.1 > 10.0.0.2: protocol 17, length 3 (later fragment, id 7)")
    #expect(
      Self.line(Packets.ipv4(17, Packets.udp(), moreFragments: true))
        == "IP 10.0.0.1.1234 > 10.0.0.2.53: UDP, length 0 (first fragment, id 7)")
  }

  @Test func `ICMP`() {
    #expect(
      Self.line(Packets.ipv4(1, Packets.echo(.ipv4)))
        == "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 5, seq 6, length 8")
    #expect(
      Self.line(Packets.ipv6(58, Packets.echo(.ipv6, isReply: true)))
        == "IP6 2001:db8::1 > 2001:db8::2: ICMP6 echo reply, id 5, seq 6, length 8")
    #expect(
      Self.line(Packets.ipv4(1, [3, 1, 0, 0, 0, 0, 0, 0]))
        == "IP 10.0.0.1 > 10.0.0.2: ICMP type 3 code 1, length 8")
  }

  @Test func `ESP, bare and in UDP`() {
    let esp: [UInt8] = [0, 0, 0x10, 1, 0, 0, 0, 0x2A]
    #expect(
      Self.line(Packets.ipv4(50, esp)) == "IP 10.0.0.1 > 10.0.0.2: ESP(spi=0x00001001,seq=0x2a), length 8")
    #expect(
      Self.line(Packets.ipv4(17, Packets.udp(esp, port: 4500)))
        == "IP 10.0.0.1.1234 > 10.0.0.2.4500: UDP-encap: ESP(spi=0x00001001,seq=0x2a), length 8")
  }

  @Test func `ARP`() {
    #expect(
      Self.line(Packets.ethernet(0x0806, Packets.arp()), link: .ethernet)
        == "ARP, Request who-has 10.0.0.2 tell 10.0.0.1")
    #expect(
      Self.line(Packets.ethernet(0x0806, Packets.arp(2)), link: .ethernet)
        == "ARP, Reply 10.0.0.1 is-at 02:00:00:00:00:01")
  }

  @Test func `everything else`() {
    #expect(Self.line(Packets.ipv4(47, [0])) == "IP 10.0.0.1 > 10.0.0.2: protocol 47, length 1")
    #expect(Self.line(Packets.ethernet(3, [1, 2, 3]), link: .ethernet) == "802.3, length 17")
    #expect(Self.line([1, 2], link: .other) == "other link, length 2")
    #expect(
      Self.line(Packets.ipv4(6, Packets.tcp()), captured: 22) == "IP 10.0.0.1 > 10.0.0.2: cut [snapped]")
    #expect(Self.line(Packets.ipv4(6, Packets.tcp()), captured: 12) == "cut, length 40 [snapped]")
    #expect(
      Self.line([0x50])
        == "malformed, badIPVersion: The raw IP packet's version is neither 4 nor 6.")
  }
}
