import Synchronization

/// The distinct policies in use by a worker's sessions, each stored once and counted.
///
/// A session holds a 32-bit index in place of 64 bytes: vendors offload millions of sessions with a
/// handful of LIF pairs, actions and timeouts. Owned by one worker.
@safe package struct SessionPolicyTable: ~Copyable {
  /// The most distinct policies at one time.
  package static let capacity = 1 << 20

  /// In a shard's file, or at the front of `memory`.
  private let policies: UnsafeMutablePointer<SessionPolicy>
  private let memory: UnsafeMutableRawPointer
  private let byteCount: Int
  private let rules: UnsafeMutablePointer<ForwardRules>
  private var useCounts: [UInt32] = []
  private var indices: [SessionPolicy: UInt32] = [:]
  private var free: [UInt32] = []
  /// What was asked for last, and where it is while it is in use: sessions come many alike.
  private var last: (policy: SessionPolicy, index: UInt32)?
  /// By the index that a record in a file has: where its policy is now; `unknown` until it was looked at.
  private var adopted: [UInt32] = []

  /// - Parameter shard: the file that has the policies, which outlives this; nil for memory.
  /// - Returns: nil when the kernel has no address space for it.
  package init?(shard: ShardMapping? = nil) {
    let ownBytes = shard == nil ? Self.policyBytes : 0
    byteCount = ownBytes + Self.ruleBytes
    guard let memory = unsafe HugeMemory.map(byteCount: byteCount) else { return nil }
    unsafe self.memory = memory
    // SAFETY: the mappings have room for `capacity` policies, and for as many rules.
    unsafe policies = (shard?.policies ?? memory).assumingMemoryBound(to: SessionPolicy.self)
    unsafe rules = (memory + ownBytes).assumingMemoryBound(to: ForwardRules.self)
  }

  deinit { unsafe HugeMemory.unmap(memory, byteCount: byteCount) }

  static var policyBytes: Int { capacity * MemoryLayout<SessionPolicy>.stride }
  private static var ruleBytes: Int { capacity * MemoryLayout<ForwardRules>.stride }

  /// The policy at `index`, as a live session holds it.
  package subscript(index: UInt32) -> SessionPolicy {
    // SAFETY: the mask keeps the index below the capacity.
    @inline(__always) unsafeAddress {
      unsafe UnsafePointer(policies + Int(index & UInt32(Self.capacity - 1)))
    }
  }

  /// All rules, for the length of one pass. Indices of live sessions only.
  @unsafe @inline(__always) var fastPathRules: UnsafePointer<ForwardRules> {
    unsafe UnsafePointer(rules)
  }

  /// The index of `policy`, now used once more; nil when `capacity` distinct ones are in use.
  package mutating func acquire(_ policy: SessionPolicy) -> UInt32? {
    if let last, last.policy == policy {
      useCounts[Int(last.index)] += 1
      return last.index
    }
    if let index = indices[policy] {
      useCounts[Int(index)] += 1
      last = (policy, index)
      return index
    }
    guard free.isEmpty == false || useCounts.count < Self.capacity else { return nil }
    let index = free.popLast() ?? UInt32(useCounts.count)
    if Int(index) == useCounts.count {
      useCounts.append(0)
      // A session that ends under traffic must not make `release` allocate.
      free.reserveCapacity(useCounts.capacity)
    }
    // SAFETY: index < capacity.
    unsafe policies[Int(index)] = policy.sealed
    use(policy, at: index)
    // A killed process leaves no session behind whose policy is not there.
    atomicMemoryFence(ordering: .releasing)
    return index
  }

  private mutating func use(_ policy: SessionPolicy, at index: UInt32) {
    useCounts[Int(index)] = 1
    indices[policy] = index
    last = (policy, index)
    // SAFETY: below the number of use counts, which is at most the capacity.
    unsafe rules[Int(index)] = ForwardRules(policy)
  }

  // MARK: Policies that lie in a file already

  /// The policy that a record of the file names, now used once more; nil when there is none, or no sound one.
  /// Before anything is acquired or released; then `endAdopting`.
  package mutating func adopt(_ index: UInt32) -> UInt32? {
    guard Int(index) < Self.capacity else { return nil }
    while adopted.count <= Int(index) {
      adopted.append(Self.unknown)
      useCounts.append(0)
    }
    if adopted[Int(index)] == Self.unknown { adopted[Int(index)] = lookAt(index) }
    let place = adopted[Int(index)]
    guard place != Self.unsound else { return nil }
    useCounts[Int(place)] += 1
    return place
  }

  /// All others are free.
  package mutating func endAdopting() {
    free = useCounts.indices.reversed().filter { useCounts[$0] == 0 }.map { UInt32($0) }
    free.reserveCapacity(useCounts.capacity)
    adopted = []
  }

  private static let unknown = UInt32.max
  private static let unsound = UInt32.max - 1

  private mutating func lookAt(_ index: UInt32) -> UInt32 {
    // SAFETY: below the capacity; bytes, until they have proved to be a policy.
    let bytes = unsafe UnsafeRawBufferPointer(
      start: policies + Int(index), count: MemoryLayout<SessionPolicy>.stride)
    guard let policy = unsafe SessionPolicy(stored: bytes) else { return Self.unsound }
    if let place = indices[policy] { return place }
    use(policy, at: index)
    useCounts[Int(index)] = 0
    last = nil
    return index
  }

  /// One more session uses the policy at `index`.
  package mutating func retain(_ index: UInt32) { useCounts[Int(index)] += 1 }

  /// One session fewer does; the last one frees it.
  package mutating func release(_ index: UInt32) {
    useCounts[Int(index)] -= 1
    guard useCounts[Int(index)] == 0 else { return }
    indices[self[index]] = nil
    if last?.index == index { last = nil }
    free.append(index)
  }

  /// What is wrong when `uses` are the true numbers of users by index, as sentences. For tests.
  package func checkInvariants(uses: [UInt32: UInt32]) -> [String] {
    var problems: [String] = []
    for (index, count) in useCounts.enumerated() where count != uses[UInt32(index), default: 0] {
      problems.append("policy \(index) is counted \(count) times, used \(uses[UInt32(index), default: 0])")
    }
    for (policy, index) in indices where self[index] != policy {
      problems.append("policy \(index) has changed")
    }
    if indices.count != uses.count { problems.append("\(indices.count) policies for \(uses.count) in use") }
    if indices.count + free.count != useCounts.count {
      problems.append("a policy is neither in use nor free")
    }
    return problems
  }

  /// Distinct policies in use.
  package var count: Int { indices.count }
}
