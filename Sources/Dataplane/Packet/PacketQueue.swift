/// What a call of `receive` found.
public enum ReceiveStatus: Sendable {
  /// The burst has packets.
  case packets
  /// Nothing now; there may be more later.
  case idle
  /// Nothing now or ever again.
  case ended
}

/// A port's queue as a worker sees it: live, a capture, or memory. Crossed once per burst.
///
/// Owned by one worker. Bytes handed out by `receive` stay valid until that worker's next `receive`,
/// except those the worker handed to another worker: see `HandoffMesh`.
public protocol PacketQueue: ~Copyable {
  /// Fills `burst` (emptied by the caller) with up to `burst.limit` packets, in order of time.
  mutating func receive(into burst: inout PacketBurst) -> ReceiveStatus

  /// Sends what the worker decided. A packet that could not be sent has its verdict changed to a drop
  /// (`.transmitFailed`), a copy is marked failed; both are counted by the worker afterwards.
  ///
  /// Called several times for what one `receive` gave where fragments that waited come in between: they are
  /// part of `burst` then, and a packet that begins to wait is too (`hold`).
  mutating func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome)

  /// Called once, after the last burst.
  mutating func finish()

  /// The present time, for a worker that has no packet to learn it from: live ports have one. nil where time
  /// comes with packets and with nothing else, as in replay.
  var presentTime: PacketTime? { get }

  /// Nanoseconds that a worker may sleep after `receive` found nothing; asked only with a `presentTime`.
  var longestSleep: UInt64 { get }

  /// Names the descriptors that become readable when there is something to receive. Asked before each sleep,
  /// after `receive` found nothing; without any, the sleep ends by `longestSleep` or by what is rung.
  func watch(_ wakes: inout PollSet)

  /// Carries out what changes together with its worker, which has changed already. Between two bursts.
  mutating func adopt(_ change: QueueChange)

  /// What is known of the link of the port at `position` of the worker's list; nil for nothing. Asked for
  /// routed ports, some times a second.
  func linkState(of position: Int) -> LinkState?

  /// How often the interface of a port has become another one, so far. Asked at each burst where there are
  /// routed ports: they look at their links at once then.
  var linkMoves: UInt32 { get }
}

extension PacketQueue where Self: ~Copyable {
  public var presentTime: PacketTime? { nil }
  public var longestSleep: UInt64 { .max }
  public func watch(_ wakes: inout PollSet) {}
  public mutating func adopt(_ change: QueueChange) {}
  public func linkState(of position: Int) -> LinkState? { nil }
  public var linkMoves: UInt32 { 0 }
}
