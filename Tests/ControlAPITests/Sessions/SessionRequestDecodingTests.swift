import ControlAPI
import Foundation
import OPIProtos
import SwiftProtobuf
import Testing

/// Our decoder of SessionRequest beside the library's: whatever the bytes, both refuse them or both have the
/// same fields.
@Suite struct SessionRequestDecodingTests {
  @Test func `random bytes mean the same to both decoders`() {
    var random = SplitMix64(seed: 1)
    var accepted = 0
    for _ in 0..<300_000 {
      let count = Int(random.next() % 24)
      accepted += compare((0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }
    #expect((10_000..<290_000).contains(accepted), "\(accepted)")
  }

  @Test func `fields in any order, layout and number mean the same to both decoders`() {
    var random = SplitMix64(seed: 2)
    var accepted = 0
    for _ in 0..<300_000 { accepted += compare(Self.fields(&random, depth: 0)) }
    #expect((10_000..<290_000).contains(accepted), "\(accepted)")
  }

  @Test func `changed, cut and joined messages mean the same to both decoders`() throws {
    var random = SplitMix64(seed: 3)
    var accepted = 0
    for _ in 0..<300_000 {
      var bytes: [UInt8] = try Self.request(&random).serializedBytes()
      for _ in 0..<Int(random.next() % 4) where !bytes.isEmpty {
        let position = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 4 {
        case 0: bytes[position] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes[position] ^= 1 << UInt8(random.next() % 8)
        case 2: bytes.removeSubrange(position...)
        default: bytes += try Self.request(&random).serializedBytes() as [UInt8]
        }
      }
      accepted += compare(bytes)
    }
    #expect((10_000..<290_000).contains(accepted), "\(accepted)")
  }

  @Test func `messages of both packages come through whole`() throws {
    var random = SplitMix64(seed: 4)
    for _ in 0..<10_000 {
      let message = Self.request(&random)
      let bytes: [UInt8] = try message.serializedBytes()
      #expect(try SessionRequestFields(decoding: bytes.span) == SessionRequestFields(message))
      let other = try Openoffload_V2_SessionRequest(serializedBytes: bytes)
      #expect(try other.serializedBytes() as [UInt8] == bytes)
    }
  }

  @Test(arguments: [
    // Two actions are one with the fields of both.
    "620208016204 1a021122", "6202080162020802", "6200",
    // Of other fields the last one counts.
    "08010802", "3201aa3200",
    // Known numbers in other layouts are passed over: fixed32, fixed64, bytes, a group.
    "0d01020304", "090102030405060708", "0a0101", "0b080110010c", "6001", "3001",
    // Unknown fields, of one, two and five bytes of tag.
    "7001", "a00601", "f8ffffff0f01", "fdffffff0f01020304", "fbffffff0ffcffffff0f",
    // Tags of more bytes than they need.
    "888000 05", "8880808000 05", "888080808000 05",
    // Varints of ten bytes, and of more.
    "08ffffffffffffffffff7f", "08ffffffffffffffffffff00", "1080808080808080808001",
    // What cannot be: field number 0, layouts 6 and 7, the end of another group, of none, and no end.
    "00", "0001", "0e", "0f", "7b84010c", "7c", "7b", "7b7c", "7b0e7c", "ffffffff0f", "ffffffff1f",
    // Cut within tag, varint, length and bytes.
    "88", "08", "0880", "32", "3202aa", "62020801", "620308", "0d010203", "09010203",
  ])
  func `a peculiar message means the same to both decoders`(_ text: String) {
    compare(hex(text))
  }

  @Test(arguments: [98, 99, 100, 101], [false, true])
  func `groups may be as deep as in the library`(_ depth: Int, isInAction: Bool) {
    let groups = [UInt8](repeating: 0x7B, count: depth) + [UInt8](repeating: 0x7C, count: depth)
    compare(isInAction ? [0x62, UInt8(128 | groups.count & 127), UInt8(groups.count >> 7)] + groups : groups)
  }

  // MARK: Comparison

  /// - Returns: 1 when both accept the bytes, else 0.
  @discardableResult private func compare(_ bytes: [UInt8]) -> Int {
    let expected = (try? Opi_Security_Firewall_V1_SessionRequest(serializedBytes: bytes))
      .map { SessionRequestFields($0) }
    let found = try? SessionRequestFields(decoding: bytes.span)
    // Swift Testing is slow, and there are a million of these.
    if found != expected {
      let digits = bytes.map { String(format: "%02x", $0) }.joined()
      Issue.record("\(digits): \(String(describing: found)), not \(String(describing: expected))")
    }
    return found == nil ? 0 : 1
  }

  // MARK: Messages

  /// A message with some fields, whose values are often at the ends of their range.
  private static func request(_ random: inout SplitMix64) -> Opi_Security_Firewall_V1_SessionRequest {
    .with {
      $0.sessionID = random.value()
      $0.inlif = Int32(truncatingIfNeeded: random.value())
      $0.outlif = Int32(truncatingIfNeeded: random.value())
      $0.ipversion = .init(rawValue: Int(Int32(truncatingIfNeeded: random.value()))) ?? .ipv4
      $0.sourceip = UInt32(truncatingIfNeeded: random.value())
      $0.sourceipv6 = random.bytes()
      $0.sourceport = UInt32(truncatingIfNeeded: random.value())
      $0.destinationip = UInt32(truncatingIfNeeded: random.value())
      $0.destinationipv6 = random.bytes()
      $0.destinationport = UInt32(truncatingIfNeeded: random.value())
      $0.protocolid = .init(rawValue: Int(Int32(truncatingIfNeeded: random.value()))) ?? .tcp
      if random.next() % 4 != 0 {
        $0.action.actiontype = .init(rawValue: Int(Int32(truncatingIfNeeded: random.value()))) ?? .drop
        $0.action.actionnexthop = UInt32(truncatingIfNeeded: random.value())
        $0.action.actionnexthopv6 = random.bytes()
      }
      $0.cachetimeout = UInt32(truncatingIfNeeded: random.value())
    }
  }

  /// Encoded fields of any number and layout; lengths are mostly true.
  private static func fields(_ random: inout SplitMix64, depth: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<Int(random.next() % 6) {
      let number = random.next() % 8 == 0 ? random.next() % (1 << 29) : random.next() % 16
      let type = random.next() % (random.next() % 8 == 0 ? 8 : 3)
      bytes += varint(number << 3 | type)
      switch type {
      case 0: bytes += varint(random.value())
      case 1: bytes += (0..<8).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      case 2:
        let body =
          depth < 2 && random.next() % 2 == 0 ? fields(&random, depth: depth + 1) : [UInt8](random.bytes())
        bytes += varint(random.next() % 16 == 0 ? random.value() : UInt64(body.count)) + body
      case 3: bytes += fields(&random, depth: depth + 1) + varint(number << 3 | 4)
      case 5: bytes += (0..<4).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      default: break
      }
    }
    return bytes
  }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
}

extension SessionRequestFields {
  /// What the library's decoder made of a message.
  init(_ message: Opi_Security_Firewall_V1_SessionRequest) {
    self.init()
    sessionID = message.sessionID
    inLIF = message.inlif
    outLIF = message.outlif
    ipVersion = Int32(message.ipversion.rawValue)
    protocolID = Int32(message.protocolid.rawValue)
    sourceIPv4 = message.sourceip
    destinationIPv4 = message.destinationip
    sourceIPv6 = AddressBytes(message.sourceipv6.bytes.span)
    destinationIPv6 = AddressBytes(message.destinationipv6.bytes.span)
    sourcePort = message.sourceport
    destinationPort = message.destinationport
    hasAction = message.hasAction
    actionType = Int32(message.action.actiontype.rawValue)
    nextHopIPv4 = message.action.actionnexthop
    nextHopIPv6 = AddressBytes(message.action.actionnexthopv6.bytes.span)
    cacheTimeout = message.cachetimeout
  }
}

extension Data {
  fileprivate var bytes: [UInt8] { [UInt8](self) }
}

/// The same numbers at each run.
struct SplitMix64 {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }

  /// 0, a small number, one of the ends of the ranges, or any.
  mutating func value() -> UInt64 {
    switch next() % 6 {
    case 0: 0
    case 1: next() % 20
    case 2: next() % 70_000
    case 3: [UInt64.max, 1 << 62, 1 << 63, UInt64(UInt32.max), 1 << 31, 1 << 32][Int(next() % 6)]
    default: next()
    }
  }

  /// None, sixteen, or some.
  mutating func bytes() -> Data {
    let count = [0, 16, 16, Int(next() % 20)][Int(next() % 4)]
    return Data((0..<count).map { _ in UInt8(truncatingIfNeeded: next()) })
  }
}
