/// What a router tells a packet's sender. RFC 792, RFC 4443 §3.
public enum ICMPError: Sendable, BitwiseCopyable, Equatable {
  /// The time to live or hop limit is used up.
  case timeExceeded
  case noRoute
  /// The next hop does not answer.
  case hostUnreachable
  /// The packet is longer than the MTU, in bytes, of the way out. RFC 1191 §4, RFC 4443 §3.2.
  case tooBig(mtu: Int)

  /// Bytes before the quoted packet.
  package static let size = 8

  /// Bytes of a packet that are quoted at most: the whole error has 576 or 1280 bytes. RFC 1812 §4.3.2.3,
  /// RFC 4443 §2.4 (c).
  package static func quote(_ family: IPAddress.Family) -> Int {
    family == .ipv4 ? 576 - IPv4Header.size - size : 1280 - IPv6Header.size - size
  }

  /// Type, code and the second word.
  package func fields(_ family: IPAddress.Family) -> (type: UInt8, code: UInt8, word: UInt32) {
    switch (self, family) {
    case (.timeExceeded, .ipv4): (11, 0, 0)
    case (.timeExceeded, .ipv6): (3, 0, 0)
    case (.noRoute, .ipv4): (3, 0, 0)
    case (.noRoute, .ipv6): (1, 0, 0)
    case (.hostUnreachable, .ipv4): (3, 1, 0)
    case (.hostUnreachable, .ipv6): (1, 3, 0)
    case (.tooBig(let mtu), .ipv4): (3, 4, UInt32(clamping: min(mtu, 0xFFFF)))
    case (.tooBig(let mtu), .ipv6): (2, 0, UInt32(clamping: mtu))
    }
  }

  /// Writes the message at `offset`, before its quote of `quoted` bytes which is there already, and the
  /// checksum over both.
  ///
  /// - Precondition: 8 + `quoted` bytes at `offset`.
  @_lifetime(bytes: copy bytes)
  package func write(
    source: IPAddress, destination: IPAddress, quoted: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) {
    let (type, code, word) = fields(source.family)
    bytes.storeBigEndian(type, at: offset)
    bytes.storeBigEndian(code, at: offset + 1)
    bytes.storeBigEndian(word, at: offset + 4)
    Checksum.fill(
      source.family == .ipv4 ? .icmp : .icmpv6, source: source, destination: destination,
      length: Self.size + quoted, into: &bytes, at: offset)
  }
}
