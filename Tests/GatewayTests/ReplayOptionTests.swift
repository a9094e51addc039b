import Config
import Dataplane
import Gateway
import PacketIO
import Testing

@Suite("Values of replay's options")
struct ReplayOptionTests {
  private func refusal(_ parse: () throws -> Void) -> String {
    let error = #expect(throws: ReplayError.self) { try parse() }
    #expect(error?.code == .usage)
    return error?.message ?? ""
  }

  @Test func `rates`() throws {
    for (text, rate) in [
      ("max", ReplayRate.max), ("capture", .capture), ("100000", .packetsPerSecond(100_000)),
      ("10k", .packetsPerSecond(10_000)), ("1.5M", .packetsPerSecond(1_500_000)),
      ("0.5", .packetsPerSecond(0.5)),
    ] {
      #expect(try ReplayRate(parsing: text) == rate)
    }
    for text in ["", "0", "-1", "k", "10kk", "1e6", "nan", "inf", "1.2.3", "2000M", "10G", "+5", "٣", "0x10"]
    {
      #expect(refusal { _ = try ReplayRate(parsing: text) }.contains("--rate \(text): accepted"))
    }
  }

  @Test func `multipliers`() throws {
    for (text, factor) in [("2", 2), ("0.5", 0.5), ("0.000001", 1e-6), ("1000000", 1e6)] {
      #expect(try SpeedMultiplier(parsing: text).factor == factor)
    }
    for text in ["", "0", "-1", "+2", "1e3", "nan", "inf", "2x", "1000001", "0.0000001", "1.2.3"] {
      #expect(refusal { _ = try SpeedMultiplier(parsing: text) }.contains("--multiplier \(text): accepted"))
    }
  }

  @Test func `loops`() throws {
    #expect(try LoopCount(parsing: "1").rounds == 1 && LoopCount(parsing: "250").rounds == 250)
    #expect(try LoopCount(parsing: "forever").rounds == nil)
    for text in ["", "0", "-1", "+2", "many", "1.5", "99999999999999999999"] {
      #expect(refusal { _ = try LoopCount(parsing: text) }.contains("--loop \(text): accepted"))
    }
  }

  @Test func `splits`() throws {
    #expect(try TrafficSplit(parsing: "client-server") == .clientServer)
    #expect(try TrafficSplit(parsing: "mac") == .firstMAC)
    #expect(
      try TrafficSplit(parsing: "mac=02:00:00:00:00:01,02-00-00-00-00-02")
        == .macs([MACAddress(0x0200_0000_0001), MACAddress(0x0200_0000_0002)]))
    let prefixes = try ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32"].map {
      try #require(IPPrefix(text: $0))
    }
    #expect(try TrafficSplit(parsing: "10.0.0.0/8,2001:db8::/32,192.0.2.1") == .prefixes(prefixes))
    for (text, why) in [
      ("", "no address prefix"), ("sides", "\"sides\" is no address prefix"), ("mac=", "no MAC address"),
      ("mac=02:00", "\"02:00\" is no MAC address"), ("10.0.0.1/8", "write 10.0.0.0/8"),
      ("2001:db8::1/32", "write 2001:db8::/32"), ("10.0.0.0/33", "\"10.0.0.0/33\" is no address prefix"),
      ("10.0.0.0/8,", "\"\" is no address prefix"), ("10.0.0.0/-1", "no address prefix"),
    ] {
      let message = refusal { _ = try TrafficSplit(parsing: text) }
      #expect(message.contains("--split \(text): ") && message.contains(why), "\(message)")
    }
  }

  @Test func `a prefix holds what begins like it`() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let isIPv6 = Bool.random(using: &random)
      let length = Int.random(in: 0...(isIPv6 ? 128 : 32), using: &random)
      let bits = (0..<(isIPv6 ? 128 : 32)).map { _ in random.next() & 1 }
      func address(_ bits: [UInt64]) -> IPAddress {
        let words = stride(from: 0, to: bits.count, by: 32).map {
          bits[$0..<$0 + 32].reduce(0) { $0 << 1 | $1 }
        }
        return words.count == 1
          ? IPAddress(ipv4: UInt32(words[0]))
          : IPAddress(ipv6High: words[0] << 32 | words[1], low: words[2] << 32 | words[3])
      }
      let prefix = try #require(IPPrefix(address(bits), length: length))
      #expect(prefix.contains(address(bits)) && prefix.contains(prefix.first))
      var changed = bits
      let place = Int.random(in: 0..<bits.count, using: &random)
      changed[place] ^= 1
      #expect(prefix.contains(address(changed)) == (place >= length))
    }
    #expect(
      IPPrefix(IPAddress(ipv4: 0), length: 33) == nil && IPPrefix(IPAddress(ipv4: 0), length: -1) == nil)
    let any4 = try #require(IPPrefix(IPAddress(ipv4: 0), length: 0))
    #expect(!any4.contains(IPAddress(ipv6High: 0, low: 0)))
  }
}
