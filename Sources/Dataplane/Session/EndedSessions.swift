/// What happened to sessions since the worker last looked: a buffer of fixed size, oldest first.
///
/// Owned by one worker, which passes on what the control side has room for once per burst and stops expiring
/// while it is nearly full.
@safe package struct EndedSessions: ~Copyable {
  /// Room for what expiry may put in before it pauses, and for four events per packet of a burst.
  private static let pause = 1024
  private static let room = pause + 4 * PacketBurst.capacity

  private let events: UnsafeMutablePointer<SessionEvent>
  /// Position of the oldest event.
  private var first = 0
  /// Whether anybody wants them.
  package let isKeeping: Bool
  /// What is wanted beside the ends.
  package var interest: SessionInterest = []
  package private(set) var count = 0
  /// Events that came while the buffer was full: the control side was too slow for longer than it holds.
  package private(set) var lost: UInt64 = 0

  /// - Parameter isKeeping: false where nobody wants them; they are then neither kept nor lost.
  package init(isKeeping: Bool) {
    self.isKeeping = isKeeping
    unsafe events = .allocate(capacity: isKeeping ? Self.room : 1)
  }

  deinit { unsafe events.deallocate() }

  package var isNearlyFull: Bool { count >= Self.pause }

  /// Adds an event, where `isKeeping`.
  package mutating func append(_ event: SessionEvent) {
    guard isKeeping else { return }
    guard count < Self.room else {
      lost += 1
      return
    }
    // SAFETY: a position below room.
    unsafe (events + (first + count) % Self.room).initialize(to: event)
    count += 1
  }

  /// Event `index`, below `count`.
  package subscript(index: Int) -> SessionEvent {
    precondition(index >= 0 && index < count, "no such event")
    return unsafe events[(first + index) % Self.room]
  }

  /// Forgets the oldest `number` events, at most `count`.
  package mutating func removeFirst(_ number: Int) {
    precondition(number >= 0 && number <= count, "no such events")
    first = (first + number) % Self.room
    count -= number
  }

  package mutating func removeAll() { removeFirst(count) }
}
