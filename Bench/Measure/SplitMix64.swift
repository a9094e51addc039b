/// The splitmix64 generator (Steele, Lea and Flood 2014), seeded as the peers' programs are: both sides get
/// the same flows in the same order.
struct SplitMix64: RandomNumberGenerator {
  private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15
  private var state = Self.increment

  /// - Parameter draws: how many draws lie behind it already.
  init(skipping draws: UInt64 = 0) { state &+= draws &* Self.increment }

  mutating func next() -> UInt64 {
    state &+= Self.increment
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
