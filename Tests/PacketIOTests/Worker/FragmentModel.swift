import Dataplane
import PacketIO

/// What a worker must make of fragments: docs/fragments.md written down naively, one packet at a time, with
/// arrays and a map of bytes. Sessions are not modelled: only which tuple a packet counts for.
struct FragmentModel {
  /// What the test says about one packet; the worker has to find it out from its bytes.
  struct Input {
    var packet: MemoryQueue.Packet
    /// nil for packets that are no fragments.
    var fragment: Fragment?
    /// Of a first fragment and of whole packets; nil when that is not TCP or UDP.
    var tuple: FiveTuple?
  }

  struct Fragment {
    var datagram: String
    var isIPv6: Bool
    var start: Int
    var stop: Int
    var isLast: Bool
    var isFirst: Bool { start == 0 }
  }

  /// What came out, in order: which packet, and the tuple that it counts for or why it is dropped.
  struct Output: Equatable {
    var index: Int
    var tuple: FiveTuple?
    var reason: DropReason?
  }

  private struct Datagram {
    var name: String
    var isIPv6: Bool
    var deadline: UInt64
    var isResolved = false
    var tuple: FiveTuple?
    var isPoisoned = false
    var seen = Set<Int>()
    var end: Int?
    var held: [Int] = []
    /// When it began to hold.
    var waitingSince = Int.max
  }

  let limits: FragmentLimits
  private(set) var outputs: [Output] = []
  private(set) var everHeld = 0
  /// In the order in which they came.
  private var datagrams: [Datagram] = []
  /// What waited for a datagram that was just found to contradict itself: it leaves after the contradiction.
  private var poisoned: [Int] = []
  private var clock = 0

  init(_ inputs: [Input], limits: FragmentLimits) {
    self.limits = limits
    for (index, input) in inputs.enumerated() { take(index, input) }
    while let next = oldestWaiting { drop(next, .fragmentUnresolved) }
  }

  private var oldestWaiting: Int? {
    datagrams.indices.filter { !datagrams[$0].held.isEmpty }.min {
      datagrams[$0].waitingSince < datagrams[$1].waitingSince
    }
  }

  private var oldest: Int? {
    datagrams.indices.min {
      let (left, right) = (datagrams[$0], datagrams[$1])
      if left.deadline != right.deadline { return left.deadline < right.deadline }
      if left.isIPv6 != right.isIPv6 { return right.isIPv6 }
      return $0 < $1
    }
  }

  /// Drops what waits for a datagram.
  private mutating func drop(_ datagram: Int, _ reason: DropReason) {
    for index in datagrams[datagram].held { outputs.append(Output(index: index, reason: reason)) }
    datagrams[datagram].held = []
  }

  private mutating func take(_ index: Int, _ input: Input) {
    clock += 1
    let now = input.packet.time.nanoseconds
    while let next = oldest, datagrams[next].deadline <= now {
      drop(next, .fragmentTimeout)
      datagrams.remove(at: next)
    }
    guard let fragment = input.fragment else {
      outputs.append(Output(index: index, tuple: input.tuple))
      return
    }
    if let reason = admit(index, input, fragment) { outputs.append(Output(index: index, reason: reason)) }
    for held in poisoned { outputs.append(Output(index: held, reason: .fragmentOverlap)) }
    poisoned = []
  }

  /// - Returns: why it is dropped; nil when it is not.
  private mutating func admit(_ index: Int, _ input: Input, _ fragment: Fragment) -> DropReason? {
    let key = fragment.datagram
    func isOurs(_ datagram: Datagram) -> Bool { datagram.name == key }
    if !datagrams.contains(where: isOurs) {
      if datagrams.count == limits.datagrams, let oldest {
        drop(oldest, .fragmentEvicted)
        datagrams.remove(at: oldest)
      }
      let life: UInt64 = fragment.isIPv6 ? 60_000_000_000 : 30_000_000_000
      datagrams.append(
        Datagram(
          name: key, isIPv6: fragment.isIPv6, deadline: input.packet.time.nanoseconds + life))
    }
    guard let place = datagrams.firstIndex(where: isOurs) else { return nil }
    if datagrams[place].isPoisoned { return .fragmentOverlap }
    let waits = !fragment.isFirst && !datagrams[place].isResolved
    if waits {
      if input.packet.bytes.count > limits.packetSize { return .oversized }
      if datagrams.reduce(0, { $0 + $1.held.count }) == limits.held, let oldest = oldestWaiting {
        drop(oldest, .fragmentEvicted)
        datagrams.remove(at: oldest)
        return admit(index, input, fragment)
      }
    }
    if let reason = note(fragment, in: place) { return reason }
    if waits {
      if datagrams[place].held.count == limits.heldPerDatagram { return .tooManyFragments }
      if datagrams[place].held.isEmpty { datagrams[place].waitingSince = clock }
      datagrams[place].held.append(index)
      everHeld += 1
      return nil
    }
    if fragment.isFirst {
      datagrams[place].isResolved = true
      datagrams[place].tuple = input.tuple
    }
    let tuple = datagrams[place].tuple
    outputs.append(Output(index: index, tuple: tuple))
    for held in datagrams[place].held { outputs.append(Output(index: held, tuple: tuple)) }
    datagrams[place].held = []
    if datagrams[place].seen.count == datagrams[place].end { datagrams.remove(at: place) }
    return nil
  }

  private mutating func note(_ fragment: Fragment, in place: Int) -> DropReason? {
    let bytes = Set(fragment.start..<fragment.stop)
    let known = datagrams[place].seen.intersection(bytes).count
    let end = datagrams[place].end
    var isContradiction = fragment.isLast ? (end ?? fragment.stop) != fragment.stop : false
    if fragment.isLast, (datagrams[place].seen.max() ?? -1) >= fragment.stop { isContradiction = true }
    if !fragment.isLast, let end, fragment.stop > end { isContradiction = true }
    if known == bytes.count, !isContradiction, fragment.isLast == (fragment.stop == end) {
      return .fragmentDuplicate
    }
    if isContradiction || known > 0 {
      datagrams[place].isPoisoned = true
      poisoned = datagrams[place].held
      datagrams[place].held = []
      return .fragmentOverlap
    }
    datagrams[place].seen.formUnion(bytes)
    if fragment.isLast { datagrams[place].end = fragment.stop }
    return nil
  }
}
