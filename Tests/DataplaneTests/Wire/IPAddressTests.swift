import Dataplane
import Testing

@Suite("Addresses as text (RFC 5952)")
struct IPAddressTests {
  @Test func `IPv4 is dotted decimal`() {
    #expect(IPAddress(ipv4: 0).description == "0.0.0.0")
    #expect(IPAddress(ipv4: 0xC0A8_010A).description == "192.168.1.10")
    #expect(IPAddress(ipv4: .max).description == "255.255.255.255")
  }

  @Test(
    arguments: [
      (0, 0, "::"),
      (0, 1, "::1"),
      (0x2001_0DB8_0000_0000, 1, "2001:db8::1"),
      // §4.2.2: one zero group is not shortened.
      (0x2001_0DB8_0000_0001, 0x0001_0001_0001_0001, "2001:db8:0:1:1:1:1:1"),
      // §4.2.3: the longest run; of equal runs the first.
      (0x2001_0000_0000_0001, 0x0000_0000_0000_0001, "2001:0:0:1::1"),
      (0x2001_0DB8_0000_0000, 0x0001_0000_0000_0001, "2001:db8::1:0:0:1"),
      // §4.1 and §4.3: no leading zeros, lower case.
      (0x2001_0DB8_00AA_0BBB, 0xCCCC_000D_0E00_FFFF, "2001:db8:aa:bbb:cccc:d:e00:ffff"),
      (0xFE80_0000_0000_0000, 0, "fe80::"),
      // §5: IPv4-mapped.
      (0, 0x0000_FFFF_C000_0201, "::ffff:192.0.2.1"),
    ] as [(UInt64, UInt64, String)])
  func `IPv6 is compressed`(high: UInt64, low: UInt64, text: String) {
    #expect(IPAddress(ipv6High: high, low: low).description == text)
  }

  @Test func `MAC addresses`() {
    #expect(MACAddress(0xFFFF_0200_0000_0A01).description == "02:00:00:00:0a:01")
    #expect(MACAddress(0x0102_03FF_FE00).description == "01:02:03:ff:fe:00")
  }
}
