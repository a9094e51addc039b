/// The splitmix64 generator (Steele, Lea and Flood 2014): a seed fixes every number that follows, on any
/// machine.
struct SplitMix64: Sendable {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// The next 64 bits, uniformly distributed.
  mutating func next() -> UInt64 {
    state &+= Self.increment
    return Self.mix(state)
  }

  /// A number below `bound`, which is 1 or more; its bias is at most `bound` in 2^64.
  mutating func below(_ bound: UInt64) -> UInt64 { next().multipliedFullWidth(by: bound).high }

  /// Whether something happens whose share is `share` of 2^32.
  mutating func happens(_ share: UInt64) -> Bool { next() >> 32 < share }

  /// What belongs to number `index` of a seed, without a state: the same whenever it is asked for.
  static func hash(_ seed: UInt64, _ index: UInt64) -> UInt64 { mix(mix(seed) &+ (index &+ 1) &* increment) }

  private static func mix(_ word: UInt64) -> UInt64 {
    var mixed = word
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// 2^64 over the golden ratio, odd.
  private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15
}
