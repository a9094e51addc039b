import Glibc
import Synchronization

/// How many packets one worker dropped, by the port by which they came and the reason, in memory that any
/// thread may read without asking. Only the worker writes, by plain stores.
@safe public final class PortDrops: Sendable {
  private static let reasons = DropReason.allCases.count
  private static let count = WorkerSetup.maxPorts * reasons
  // SAFETY: allocated in init, freed in deinit; the elements are atomics.
  private nonisolated(unsafe) let words: UnsafeMutablePointer<Atomic<UInt64>>

  init() {
    // Zeroed pages that exist once they are written to: of most ports nothing is dropped.
    guard let memory = unsafe calloc(Self.count, MemoryLayout<Atomic<UInt64>>.stride) else {
      fatalError("no memory for counters")
    }
    // SAFETY: an atomic of 0 is a word of 0.
    unsafe words = memory.bindMemory(to: Atomic<UInt64>.self, capacity: Self.count)
  }

  deinit { unsafe free(words) }

  /// Packets of a port, by its position in the workers' list, 0...255.
  public subscript(reason: DropReason, port: Int) -> UInt64 {
    guard 0..<WorkerSetup.maxPorts ~= port else { return 0 }
    // SAFETY: the port was checked, and reasons are below their number.
    return unsafe words[port &* Self.reasons &+ Int(reason.rawValue)].load(ordering: .relaxed)
  }

  /// Adds to a count. Only the owning worker calls this.
  func add(_ reason: DropReason, _ amount: UInt64, port: Int) {
    guard 0..<WorkerSetup.maxPorts ~= port else { return }
    let place = port &* Self.reasons &+ Int(reason.rawValue)
    // SAFETY: as above. One writer, so that load and store need not be one operation.
    let value = unsafe words[place].load(ordering: .relaxed)
    unsafe words[place].store(value &+ amount, ordering: .relaxed)
  }
}
