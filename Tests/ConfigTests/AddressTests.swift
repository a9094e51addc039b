import Config
import Dataplane
import Glibc
import Testing

@Suite("Addresses as text")
struct AddressTests {
  @Test(arguments: [
    "0.0.0.0", "10.0.0.1", "255.255.255.255", "::", "::1", "2001:db8::9", "1:2:3:4:5:6:7:8", "1::8",
    "::ffff:192.0.2.1", "64:ff9b::192.0.2.33", "1:2:3:4:5:6:192.0.2.1", "FE80::ABCD", "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8", "1::3:4:5:6:7:8", "2001:0db8:0000:0000:0000:0000:0000:0001", "1::192.0.2.1",
  ])
  func `valid address reads as inet_pton reads it`(text: String) throws {
    let address = try #require(IPAddress(text: text))
    #expect(octets(of: address) == inetOctets(text))
    #expect(IPAddress(text: address.description) == address)
  }

  @Test(arguments: [
    "", ".", ":", ":::", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1..2.3",
    "1.2.3.-4", "+1.2.3.4", "0x1.2.3.4", "1.2.3.4/24", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
    "12345::",
    "::g", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "fe80::1%eth0", "[::1]", "1:2:3:4:5:6:7:8::", "::1.2.3",
    "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4:5", "1.2.3.٤", "1.2.3.4\u{0}",
  ])
  func `anything else is refused, as by inet_pton`(text: String) {
    #expect(IPAddress(text: text) == nil)
    if !text.utf8.contains(0) { #expect(inetOctets(text) == nil) }
  }

  @Test func `random texts are judged as by inet_pton`() {
    var random = SplitMix64(seed: 0xADD2)
    let pieces = [
      "0", "1", "9", "25", "255", "256", "f", "abcd", ".", ".", ":", ":", "::", "1.2.3.4", "g", "00",
    ]
    for _ in 0..<200_000 {
      let text = (0..<random.next(below: 16)).map { _ in pieces[random.next(below: pieces.count)] }.joined()
      #expect(IPAddress(text: text).map(octets) == inetOctets(text), "\(text)")
    }
  }

  @Test func `MAC address with colons or hyphens`() {
    #expect(MACAddress(text: "02:00:00:00:0a:FF")?.value == 0x0200_0000_0AFF)
    #expect(MACAddress(text: "02-00-00-00-0a-ff")?.value == 0x0200_0000_0AFF)
  }

  @Test(arguments: [
    "", "02", "02:00:00:00:0a", "02:00:00:00:0a:ff:00", "2:0:0:0:a:f", "02:00-00:00:0a:ff",
    "02:00:00:00:0a:fg",
    "020000000aff", "02.00.00.00.0a.ff", "02:00:00:00:0a:ff ", ":02:00:00:00:0a:f",
  ])
  func `anything else is no MAC address`(text: String) {
    #expect(MACAddress(text: text) == nil)
  }

  private func octets(of address: IPAddress) -> [UInt8] {
    let words = address.family == .ipv4 ? [address.low << 32] : [address.high, address.low]
    let all = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } }
    return address.family == .ipv4 ? Array(all.prefix(4)) : all
  }

  private func inetOctets(_ text: String) -> [UInt8]? {
    var octets = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, text, &octets) == 1 { return Array(octets.prefix(4)) }
    return inet_pton(AF_INET6, text, &octets) == 1 ? octets : nil
  }
}

/// A small generator with a seed, so that a failure can be repeated. Steele, Lea and Flood, 2014.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  mutating func next(below bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}
