import Dataplane

/// How many packets each conversation has: what its ending takes, and its part of the others.
struct PacketShares {
  private(set) var packets: [UInt32]

  /// The options must have been checked.
  init(_ options: TrafficOptions) {
    packets = (0..<options.flows).map { index in
      guard options.shape == .mixed else { return 1 }
      let transport = ConversationTuple.transport(index, options)
      return Self.planned(index, options).minimumPackets(transport)
    }
    var used = packets.reduce(0) { $0 + Int($1) }
    let isTight = used > options.packets
    if isTight {
      packets = [UInt32](repeating: 1, count: options.flows)
      used = options.flows
    }
    let rest = UInt64(options.packets - used)
    // Where packets are few no ending is sure to fit, and any conversation may have any number.
    let takesMore: (Int) -> Bool = { index in
      isTight || options.shape == .steady || !Self.planned(index, options).isFixed
    }
    switch options.distribution {
    case .uniform: addUniform(rest, options, takesMore)
    case .zipf: addZipf(rest, takesMore)
    }
  }

  private static func planned(_ index: Int, _ options: TrafficOptions) -> Ending {
    Ending.planned(ConversationTuple.ordinal(index, options), ConversationTuple.transport(index, options))
  }

  /// Each packet to a conversation by chance. The first conversation takes more, so each draw may succeed.
  private mutating func addUniform(_ rest: UInt64, _ options: TrafficOptions, _ takesMore: (Int) -> Bool) {
    var random = SplitMix64(seed: SplitMix64.hash(options.seed, Self.stream))
    var left = rest
    while left > 0 {
      let index = Int(random.below(UInt64(options.flows)))
      guard takesMore(index) else { continue }
      packets[index] += 1
      left -= 1
    }
  }

  /// The k-th conversation that takes more gets a share of 1/k; what rounding leaves goes to the first ones.
  private mutating func addZipf(_ rest: UInt64, _ takesMore: (Int) -> Bool) {
    let takers = packets.indices.filter(takesMore)
    var sum: UInt64 = 0
    for rank in 1...UInt64(takers.count) { sum += Self.one / rank }
    var left = rest
    for (position, index) in takers.enumerated() {
      let weight = Self.one / UInt64(position + 1)
      let share = sum.dividingFullWidth(weight.multipliedFullWidth(by: rest)).quotient
      packets[index] += UInt32(share)
      left -= share
    }
    // Less than one a taker is left.
    for index in takers.prefix(Int(left)) { packets[index] += 1 }
  }

  /// The weight of the first rank.
  private static let one: UInt64 = 1 << 40
  /// Sets these random numbers apart from the others of the seed.
  private static let stream: UInt64 = 0x7368_6172_6573
}
