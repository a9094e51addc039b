/// Whose turn is it? Draws the next packet's conversation by chance, in proportion to the packets that it has
/// left: all orders of all packets are alike likely.
///
/// Where capture time is long, only so many conversations go on at once that none must be silent for long,
/// and one that has been is next (``TrafficPlan/idleSeconds``).
struct TurnOrder: Sendable {
  /// The packet that is next.
  struct Turn {
    let index: Int
    /// Packets that the conversation has left, this one included.
    let left: UInt32
  }

  private var tree: WeightTree
  private var idle: IdleOrder?
  /// Whether the part of live conversations has begun.
  private(set) var isSecondPart = false
  /// The next conversation that might begin.
  private var candidate = 0
  private var active = 0
  private let mostActive: Int
  private let mostIdle: UInt64
  /// Packets so far, by which idle time is told.
  private var position: UInt32 = 0

  init(_ plan: TrafficPlan) {
    tree = WeightTree(count: plan.options.flows)
    mostIdle = plan.pace.packets(in: TrafficPlan.idleSeconds)
    if UInt64(plan.options.packets) > mostIdle {
      idle = IdleOrder(count: plan.options.flows)
      mostActive = Int(clamping: max(1, mostIdle / 2))
    } else {
      mostActive = .max
    }
  }

  /// The next packet's conversation; nil when all packets have been sent.
  mutating func next(_ plan: TrafficPlan, _ random: inout SplitMix64) -> Turn? {
    admit(plan)
    if tree.total == 0 {
      guard !isSecondPart else { return nil }
      isSecondPart = true
      candidate = 0
      admit(plan)
      if tree.total == 0 { return nil }
    }
    let index = longIdle ?? tree.find(UInt32(random.below(UInt64(tree.total))))
    return take(index)
  }

  /// Another packet of the same conversation, which must have one left.
  mutating func take(_ index: Int) -> Turn {
    let left = tree[index]
    tree.take(index)
    idle?.remove(index)
    position += 1
    if left > 1 { idle?.append(index, at: position) } else { active -= 1 }
    return Turn(index: index, left: left)
  }

  private var longIdle: Int? {
    guard let first = idle?.first, UInt64(position - first.position) >= mostIdle else { return nil }
    return first.index
  }

  private mutating func admit(_ plan: TrafficPlan) {
    while active < mostActive, candidate < plan.options.flows {
      let index = candidate
      candidate += 1
      guard (plan.endings[index].outcome == .live) == isSecondPart else { continue }
      tree.add(plan.packets[index], to: index)
      idle?.append(index, at: position)
      active += 1
    }
  }
}
