import Dataplane
import Testing

/// What packets of an SA are dealt to workers by. RFC 4303 §2.1, RFC 3948 §2, RFC 7296 §3.1.
@Suite("Security indices")
struct SecurityIndexTests {
  private let spi: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]

  private func index(_ number: UInt8, _ payload: [UInt8], captured: Int? = nil) throws -> SecurityIndex? {
    let packet = Packets.ipv4(number, payload)
    let bytes = packet.span.bytes.extracting(first: captured ?? packet.count)
    let frame = try Frame.parse(bytes, link: .rawIP, originalLength: UInt32(packet.count))
    return SecurityIndex(frame, in: bytes)
  }

  private func number(_ bytes: [UInt8]) -> UInt64 {
    bytes.enumerated().reduce(0) { $0 | UInt64($1.element) << (8 * UInt64($1.offset)) }
  }

  @Test func `ESP has its SPI, bare and in UDP alike`() throws {
    let esp = Array(spi.prefix(4)) + [0, 0, 0, 1]
    let bare = try #require(try index(50, esp))
    #expect(bare.word == number(Array(spi.prefix(4))))
    #expect(try index(17, Packets.udp(esp, port: 4500)) == bare)
  }

  @Test func `IKE has the initiator's SPI, on both of its ports alike`() throws {
    let rest = [UInt8](repeating: 9, count: 20)
    let plain = try #require(try index(17, Packets.udp(spi + rest, port: 500)))
    #expect(plain.word == number(spi))
    #expect(try index(17, Packets.udp([0, 0, 0, 0] + spi + rest, port: 4500)) == plain)
  }

  @Test func `what is shorter than an SPI has none, whatever lies behind it on the link`() throws {
    let padding = [UInt8](repeating: 7, count: 40)
    for (port, whole) in [(UInt16(500), spi), (4500, [0, 0, 0, 0] + spi), (4500, Array(spi.prefix(4)))] {
      for count in 0..<whole.count {
        // Four bytes of an SPI that is not 0 are ESP's.
        if port == 4500, whole[0] == 0, count == 4 { continue }
        let datagram = Packets.udp(Array(whole.prefix(count)), port: port)
        #expect(try index(17, datagram) == nil, "\(count) bytes for port \(port)")
        let packet = Packets.ipv4(17, datagram) + padding
        let frame = try Frame.parse(
          packet.span.bytes, link: .rawIP, originalLength: UInt32(packet.count))
        #expect(SecurityIndex(frame, in: packet.span.bytes) == nil, "\(count) bytes, padded")
      }
    }
    let datagram = Packets.udp(spi, port: 500)
    for captured in IPv4Header.size + UDPHeader.size..<IPv4Header.size + datagram.count {
      #expect(try index(17, datagram, captured: captured) == nil, "cut to \(captured)")
    }
  }

  @Test func `nothing else has one`() throws {
    #expect(try index(17, Packets.udp(spi, port: 53)) == nil)
    #expect(try index(6, Packets.tcp(spi)) == nil)
    #expect(try index(1, Packets.echo(.ipv4)) == nil)
  }
}
