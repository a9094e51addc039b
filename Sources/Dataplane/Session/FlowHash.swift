/// A flow's 64-bit keyed hash and the independent choices drawn from it.
package struct FlowHash: Equatable, BitwiseCopyable {
  package let rawValue: UInt64

  /// Bit 0 is set whatever `rawValue` says.
  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue | 1 }

  /// The tag that a bucket line stores, never 0: bits 15...0, of which bit 0 is set.
  @inline(__always) package var tag: UInt16 { UInt16(truncatingIfNeeded: rawValue) }

  /// The worker that owns the flow, from bits 31...16.
  @inline(__always) package func worker(of count: UInt32) -> UInt32 {
    ((UInt32(truncatingIfNeeded: rawValue >> 16) & 0xFFFF) &* count) >> 16
  }

  /// The home bucket among `count`, from the highest bits: a multiply in place of a modulo, so that the
  /// count need not be a power of two.
  @inline(__always) package func bucket(of count: UInt32) -> UInt32 {
    UInt32(truncatingIfNeeded: rawValue.multipliedFullWidth(by: UInt64(count)).high)
  }
}

/// The random key of the flow hash: without it an outsider cannot choose tuples that collide.
///
/// The hash folds a full 64 x 64 bit product (the "multiply and mix" step of wyhash), which is not
/// linear in the key as a CRC is.
package struct FlowSecret: BitwiseCopyable, Sendable {
  private let a, b, c, d: UInt64

  package init(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) {
    self.a = a
    self.b = b
    self.c = c
    // An even multiplier would lose low bits.
    self.d = d | 1
  }

  package init(using generator: inout some RandomNumberGenerator) {
    self.init(generator.next(), generator.next(), generator.next(), generator.next())
  }

  /// The key's words, in the order of `init`: whoever knows them can choose tuples that collide.
  package var words: (UInt64, UInt64, UInt64, UInt64) { (a, b, c, d) }

  @inline(__always)
  package func hash(addresses: UInt64, ports: UInt32, kind: FlowKind) -> FlowHash {
    let rest = FlowKey.word(ports: ports, kind: kind)
    return FlowHash(rawValue: Self.mix(Self.mix(addresses ^ a, rest ^ b) ^ c, d))
  }

  /// What an SA's packets are dealt by. The program of a fanout group has the same for ESP.
  package func hash(_ index: SecurityIndex) -> FlowHash {
    FlowHash(rawValue: Self.mix(index.word ^ a, b))
  }

  @inline(__always)
  package func digest(_ addresses: FlowAddresses6) -> UInt64 {
    let low = Self.mix(addresses.lowHigh ^ a, addresses.lowLow ^ c)
    return Self.mix(addresses.highHigh ^ low, addresses.highLow ^ b)
  }

  @inline(__always)
  private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.low ^ product.high
  }
}
