import Synchronization

/// The way from the control side to one worker: batches from one thread at a time.
public final class CommandRing: Sendable {
  private let ring = SPSCRing<UInt>(capacity: 256)
  private let holding: Atomic<Bool>
  /// Batches that were handed over before `release`: they are applied before the first packet.
  private let submittedHeld = Atomic<Int>(0)
  /// Batches ever taken. Written by the worker alone.
  private let taken = Atomic<Int>(0)

  /// Rung where a batch was handed over.
  let doorbell: Doorbell

  /// - Parameter isHolding: whether the worker takes commands only, no packets, until `release`.
  public convenience init(isHolding: Bool = false) {
    self.init(isHolding: isHolding, doorbell: Doorbell())
  }

  /// - Parameter doorbell: the worker's own, by which it is woken.
  package init(isHolding: Bool, doorbell: Doorbell) {
    holding = Atomic(isHolding)
    self.doorbell = doorbell
  }

  /// Lets the worker begin to receive.
  public func release() {
    submittedHeld.store(ring.pushed, ordering: .relaxed)
    holding.store(false, ordering: .releasing)
  }

  var isHolding: Bool { holding.load(ordering: .acquiring) }

  /// Hands a batch over; false when the worker has too many waiting.
  public func submit(_ batch: SessionBatch) -> Bool {
    // SAFETY: the reference is retained here and released where the worker takes it.
    let reference = unsafe Unmanaged.passRetained(batch)
    if ring.push(UInt(bitPattern: unsafe reference.toOpaque())) {
      doorbell.ring()
      return true
    }
    unsafe reference.release()
    return false
  }

  /// Whether a batch waits. Only the worker asks this, and calls the following.
  var hasBatch: Bool { ring.count > 0 }

  /// Whether a batch is still there that must be applied before the first packet.
  var mustDrain: Bool {
    taken.load(ordering: .relaxed) < submittedHeld.load(ordering: .relaxed)
  }

  /// The next batch.
  func take() -> SessionBatch? {
    guard let bits = ring.pop(), let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else { return nil }
    taken.store(taken.load(ordering: .relaxed) + 1, ordering: .relaxed)
    return unsafe Unmanaged<SessionBatch>.fromOpaque(pointer).takeRetainedValue()
  }
}
