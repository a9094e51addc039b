import Synchronization

/// What a worker counts. Each is a 64-bit count since the worker started.
public enum Counter: Int, CaseIterable, Sendable {
  /// Packets that got their verdict on this worker, and their bytes.
  case packets, bytes
  /// Found a session; had a 5-tuple and found none; could not be a session.
  case matched, missed, other
  /// Packets handed to another worker, and taken over from one.
  case handedOff, takenOver
  case forwarded, dropped, mirrored, snooped, punted, consumed
  /// Packets sent out of ports, copies included, and those of them that we made ourselves.
  case transmitted, generated
  /// Copies attempted, and those of them that could not be made or sent.
  case copiesMade, copiesFailed
  /// Gauge: packets that wait, today for their datagram's first fragment. They are not in `packets` yet.
  case held
  /// Cut by a snap length: counted with their original length.
  case snapped
  /// Later fragments that followed their first one, and how many fragments had to wait for it.
  case laterFragments, fragmentsHeld
  /// ICMP errors that followed the session they quote.
  case icmpErrors
  /// Misses that could not be learned: table full, or a session of the tuple on other LIFs in the way.
  case learnFailed
  case sessionsOpened, closedFINACK, closedRST, closedTimeout, sessionsDeleted
  /// Gauges: sessions neither closed nor deleted, and closed ones that still count late packets.
  case liveSessions, lingeringSessions
  /// Noted by TCP tracking, forwarded, state unchanged.
  case implausibleReset, implausibleFin, synOnEstablished, nonsenseFlags
  case bursts
  /// Batches of commands applied, and the CPU time that took, in nanoseconds.
  case commands, commandNanoseconds
  /// Reports of sessions that the control side was too slow for.
  case reportsLost
}

/// One worker's counters in memory that any thread may read at any time without asking.
///
/// Only the worker writes, by plain stores; a reader sees each counter whole.
@safe public final class CounterPage: Sendable {
  private static let count = Counter.allCases.count + DropReason.allCases.count
  // SAFETY: allocated in init, freed in deinit; the elements are atomics.
  private nonisolated(unsafe) let words: UnsafeMutablePointer<Atomic<UInt64>>
  /// Drops by port as well.
  public let portDrops = PortDrops()

  public init() {
    // Whole pages of its own, so that no other thread writes the same cache lines.
    let bytes = max(4096, Self.count * MemoryLayout<Atomic<UInt64>>.stride)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 4096)
    unsafe words = memory.bindMemory(to: Atomic<UInt64>.self, capacity: Self.count)
    for index in 0..<Self.count { unsafe (words + index).initialize(to: Atomic(0)) }
  }

  deinit { unsafe UnsafeMutableRawPointer(words).deallocate() }

  public subscript(counter: Counter) -> UInt64 { load(counter.rawValue) }

  /// Packets dropped for `reason`.
  public subscript(reason: DropReason) -> UInt64 { load(Counter.allCases.count + Int(reason.rawValue)) }

  /// Adds to a counter. Only the owning worker calls this.
  @inline(__always) package func add(_ counter: Counter, _ amount: UInt64 = 1) {
    add(counter.rawValue, amount)
  }

  /// Packets that came by a port, by its position in the workers' list, 0...255, and were dropped.
  package func add(_ reason: DropReason, _ amount: UInt64 = 1, port: Int) {
    add(Counter.allCases.count + Int(reason.rawValue), amount)
    portDrops.add(reason, amount, port: port)
  }

  /// Sets a gauge. Only the owning worker calls this.
  package func set(_ counter: Counter, to value: UInt64) {
    // SAFETY: raw values are below `count`.
    unsafe words[counter.rawValue].store(value, ordering: .relaxed)
  }

  @inline(__always) private func add(_ index: Int, _ amount: UInt64) {
    // SAFETY: as above. One writer, so that load and store need not be one operation.
    let value = unsafe words[index].load(ordering: .relaxed)
    unsafe words[index].store(value &+ amount, ordering: .relaxed)
  }

  private func load(_ index: Int) -> UInt64 {
    unsafe words[index].load(ordering: .relaxed)
  }
}
