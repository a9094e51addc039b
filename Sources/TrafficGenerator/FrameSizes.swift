/// Frame lengths of data packets: one for all, or drawn from IMIX.
struct FrameSizes: Sendable {
  private let fixed: Int?

  init(_ size: TrafficOptions.Size) {
    fixed = if case .bytes(let bytes) = size { bytes } else { nil }
  }

  mutating func next(_ random: inout SplitMix64) -> Int {
    if let fixed { return fixed }
    return switch random.below(12) {
    case ..<7: 64
    case ..<11: 576
    default: Self.largestIMIX
    }
  }

  static let largestIMIX = 1500
}
