/// Sessions that ended since the worker last looked: a buffer of fixed size, oldest first.
///
/// Owned by one worker, which takes everything once per burst and stops expiring when it is nearly full.
@safe package struct EndedSessions: ~Copyable {
  /// Room for what expiry may put in before it pauses, and for two endings per packet of a burst.
  private static let pause = 1024
  private static let room = pause + 4 * PacketBurst.capacity

  private let snapshots: UnsafeMutablePointer<SessionSnapshot>
  /// Whether anybody wants them.
  package let isKeeping: Bool
  package private(set) var count = 0
  /// Sessions that ended while the buffer was full. 0 unless the worker failed to look.
  package private(set) var lost: UInt64 = 0

  /// - Parameter isKeeping: false where nobody wants them; they are then neither kept nor lost.
  package init(isKeeping: Bool) {
    self.isKeeping = isKeeping
    unsafe snapshots = .allocate(capacity: isKeeping ? Self.room : 1)
  }

  deinit { unsafe snapshots.deallocate() }

  package var isNearlyFull: Bool { count >= Self.pause }

  /// Adds a session, where `isKeeping`.
  package mutating func append(_ snapshot: SessionSnapshot) {
    guard isKeeping else { return }
    guard count < Self.room else {
      lost += 1
      return
    }
    // SAFETY: count < room.
    unsafe (snapshots + count).initialize(to: snapshot)
    count += 1
  }

  /// Ended session `index`, below `count`.
  package subscript(index: Int) -> SessionSnapshot {
    precondition(index >= 0 && index < count, "no such ended session")
    return unsafe snapshots[index]
  }

  package mutating func removeAll() { count = 0 }
}
