import Dataplane
import Foundation
import FuzzTargets
import Testing

/// A packet as it was captured.
private struct Captured {
  var link: LinkType
  var bytes: [UInt8]
  /// Bytes on its link.
  var original: Int

  /// Everything we have: scapy's packets, the demo, and the captures of the oracle.
  static func all() throws -> [Captured] {
    var all = try FrameVector.all().map { Captured(link: $0.link, bytes: $0.bytes, original: $0.bytes.count) }
    let tests = URL(filePath: #filePath).appending(path: "../../..").standardized
    let captures = tests.appending(path: "Vectors/captures")
    let names = try FileManager.default.contentsOfDirectory(atPath: captures.path).sorted()
    for name in names where name.hasSuffix(".pcap") { all += try read(captures.appending(path: name)) }
    return try all + read(tests.appending(path: "../configs/demo.pcap").standardized)
  }

  /// The packets of a classic capture file. pcap-savefile(5).
  private static func read(_ file: URL) throws -> [Captured] {
    let bytes = [UInt8](try Data(contentsOf: file))
    let isBigEndian = bytes[0] == 0xA1
    func word(_ offset: Int) -> Int {
      let word = bytes[offset..<offset + 4]
      return (isBigEndian ? Array(word) : word.reversed()).reduce(0) { $0 << 8 | Int($1) }
    }
    let links: [Int: LinkType] = [
      0: .bsdNull, 1: .ethernet, 101: .rawIP, 108: .bsdLoop, 113: .linuxCooked, 276: .linuxCooked2,
    ]
    let link = try #require(links[word(20)])
    var packets: [Captured] = []
    var offset = 24
    while offset < bytes.count {
      let end = offset + 16 + word(offset + 8)
      let packet = Array(bytes[offset + 16..<end])
      packets.append(Captured(link: link, bytes: packet, original: word(offset + 12)))
      offset = end
    }
    return packets
  }
}

@Suite("Ordinary packets are what Frame says they are")
struct OrdinaryPacketTests {
  @Test func `every packet that we have, whole and at every length`() throws {
    let packets = try Captured.all()
    #expect(packets.count > 8000)
    var wholeAccepted = 0
    for (index, packet) in packets.enumerated() {
      let bytes = packet.bytes.span.bytes
      for count in 0...packet.bytes.count {
        // As if the packet were no longer, and as if the capture had cut it.
        for original in [count, packet.original] {
          let answer = OrdinaryComparison(
            bytes.extracting(first: count), link: packet.link, original: original)
          if case .differs(let what) = answer { Issue.record("packet \(index) cut to \(count): \(what)") }
        }
      }
      if OrdinaryComparison(bytes, link: packet.link, original: packet.original) == .agrees {
        wholeAccepted += 1
      }
    }
    #expect(wholeAccepted > 1900)
  }

  @Test(arguments: [UInt64(1), 2, 3])
  func `packets with some bytes of their headers changed`(seed: UInt64) throws {
    let ethernet = try Captured.all().filter { $0.link == .ethernet }
    var random = SplitMix64(state: seed)
    var accepted = 0
    for round in 0..<200_000 {
      var packet = ethernet[random.below(ethernet.count)]
      guard !packet.bytes.isEmpty else { continue }
      for _ in 0...random.below(3) {
        let place = random.below(min(packet.bytes.count, 60))
        packet.bytes[place] =
          random.oneIn(2)
          ? packet.bytes[place] ^ 1 << random.below(8)
          : UInt8(truncatingIfNeeded: random.next())
      }
      let answer = OrdinaryComparison(packet.bytes.span.bytes, link: .ethernet, original: packet.original)
      if case .differs(let what) = answer { Issue.record("round \(round): \(what)") }
      if answer == .agrees { accepted += 1 }
    }
    #expect(accepted > 20_000)
  }
}

@Suite("What is ordinary and what is not")
struct OrdinaryPacketLimitTests {
  private static let payload = [UInt8](repeating: 0xAB, count: 40)
  private static let segment = Packets.tcp(payload, flags: [.ack, .psh])
  private static let datagram = Packets.udp(payload)

  private static func ipv4(_ number: UInt8, _ payload: [UInt8]) -> [UInt8] {
    Packets.ethernet(0x0800, Packets.ipv4(number, payload))
  }

  private func isOrdinary(_ packet: [UInt8], link: LinkType = .ethernet) -> Bool {
    OrdinaryPacket(packet.span.bytes, link: link) != nil
  }

  /// `packet` with other bytes from `offset` on.
  private func changed(_ packet: [UInt8], _ offset: Int, _ bytes: UInt8...) -> [UInt8] {
    var copy = packet
    copy.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    return copy
  }

  @Test func `TCP and UDP over plain IPv4 are, padded or not`() {
    let tcp = Self.ipv4(6, Self.segment)
    let udp = Self.ipv4(17, Self.datagram)
    for packet in [tcp, udp] {
      #expect(isOrdinary(packet) && isOrdinary(packet + [0, 0, 0, 0]))
      #expect(isOrdinary(changed(packet, 20, 0x40, 0)), "do not fragment")
    }
    for flags: TCPFlags in [.ack, [.ack, .psh], [.ack, .psh, .urg, .ece, .cwr]] {
      #expect(isOrdinary(Self.ipv4(6, Packets.tcp(flags: flags))), "\(flags)")
    }
  }

  @Test func `what opens or closes, has no ACK or uses port 4500 is not`() {
    for flags: TCPFlags in [
      .syn, [.syn, .ack], [.syn, .fin, .rst], [], .fin, [.fin, .ack], .rst, [.rst, .ack], .psh,
    ] {
      #expect(!isOrdinary(Self.ipv4(6, Packets.tcp(Self.payload, flags: flags))), "\(flags)")
    }
    #expect(!isOrdinary(Self.ipv4(17, Packets.udp(Self.payload, port: 4500))))
    for packet in [Self.ipv4(6, Self.segment), Self.ipv4(17, Self.datagram)] {
      #expect(!isOrdinary(changed(packet, 34, 0x11, 0x94)), "from port 4500")
      #expect(!isOrdinary(changed(packet, 36, 0x11, 0x94)), "to port 4500")
    }
  }

  @Test func `tags, IPv6, other protocols and other links are not`() {
    let packet = Packets.ipv4(6, Self.segment)
    #expect(!isOrdinary(Packets.ethernet(0x8100, Packets.tag(100, 0x0800, packet))))
    #expect(!isOrdinary(Packets.ethernet(0x8100, Packets.tag(0, 0x0800, packet))))
    #expect(!isOrdinary(Packets.ethernet(0x88A8, Packets.tag(1, 0x8100, Packets.tag(2, 0x0800, packet)))))
    #expect(!isOrdinary(Packets.ethernet(0x86DD, Packets.ipv6(6, Self.segment))))
    #expect(!isOrdinary(changed(Self.ipv4(6, Self.segment), 14, 0x65)), "version 6 under IPv4's EtherType")
    #expect(!isOrdinary(Packets.ethernet(0x0806, Packets.arp() + Self.payload)))
    for number in UInt8.min...UInt8.max where number != 6 && number != 17 {
      #expect(!isOrdinary(Self.ipv4(number, Self.segment)), "protocol \(number)")
    }
    for link in LinkType.allCases where link != .ethernet {
      #expect(!isOrdinary(Self.ipv4(6, Self.segment), link: link), "\(link)")
    }
  }

  @Test func `IPv4 options and fragments are not`() {
    for packet in [Self.ipv4(6, Self.segment), Self.ipv4(17, Self.datagram)] {
      for words in [UInt8(0), 4, 6, 15] { #expect(!isOrdinary(changed(packet, 14, 0x40 | words))) }
      #expect(!isOrdinary(changed(packet, 20, 0x20, 0)), "more fragments")
      for bit in 0..<13 {
        let offset = UInt16(1) << bit
        let fragment = changed(packet, 20, UInt8(offset >> 8), UInt8(offset & 0xFF))
        #expect(!isOrdinary(fragment), "offset \(offset)")
      }
    }
  }

  @Test func `packets that are cut or claim too much are not`() {
    for packet in [Self.ipv4(6, Self.segment), Self.ipv4(17, Self.datagram)] {
      for count in 0..<packet.count { #expect(!isOrdinary(Array(packet.prefix(count))), "\(count) bytes") }
      for length in [UInt8(0), 19, 20, 27, UInt8(packet.count - 13)] {
        #expect(!isOrdinary(changed(packet, 16, 0, length)), "total length \(length)")
      }
    }
    let tcp = Self.ipv4(6, Self.segment)
    for words in [UInt8(0), 4] { #expect(!isOrdinary(changed(tcp, 46, words << 4)), "data offset \(words)") }
    let short = Self.ipv4(6, Packets.tcp(flags: .ack)) + Self.payload
    #expect(isOrdinary(short) && !isOrdinary(changed(short, 46, 6 << 4)), "data offset beyond the segment")
    let udp = Self.ipv4(17, Self.datagram)
    for length in [UInt8(0), 7, 49] { #expect(!isOrdinary(changed(udp, 38, 0, length)), "length \(length)") }
  }
}
