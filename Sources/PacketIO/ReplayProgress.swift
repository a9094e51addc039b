import Synchronization

/// How far a replay is, and what ended it. Written by the worker that reads, looked at by anybody.
public final class ReplayProgress: Sendable {
  /// Bytes of all captures in all rounds, headers included, packed where they are; nil when one is a stream,
  /// which does not say how long it is, or when there is no last round.
  public let totalBytes: UInt64?
  private let bytes = Atomic<UInt64>(0)
  private let jumps = Atomic<UInt64>(0)
  private let reversals = Atomic<UInt64>(0)
  private let roundCount = Atomic<UInt64>(1)
  private let filtered = Atomic<UInt64>(0)
  private let forgotten = Atomic<UInt64>(0)
  private let wait = Atomic<UInt64>(0)
  private let stopped: StopSignal
  /// Set by `stop()`.
  var stopSignal: StopSignal { stopped }
  private let failure = Mutex<CaptureError?>(nil)

  package init(totalBytes: UInt64?, stop: StopSignal) {
    self.totalBytes = totalBytes
    stopped = stop
  }

  /// Bytes read so far.
  public var bytesRead: UInt64 { bytes.load(ordering: .relaxed) }
  /// Packets whose timestamp lay more than a day ahead, and packets whose lay behind: held at the time
  /// before.
  public var timeJumps: UInt64 { jumps.load(ordering: .relaxed) }
  public var timeReversals: UInt64 { reversals.load(ordering: .relaxed) }
  /// The round of the captures that is being replayed, from 1.
  public var rounds: UInt64 { roundCount.load(ordering: .relaxed) }
  /// Packets that a filter left out.
  public var filteredOut: UInt64 { filtered.load(ordering: .relaxed) }
  /// Conversations that a split forgot because there were too many at once.
  public var splitForgotten: UInt64 { forgotten.load(ordering: .relaxed) }
  /// Nanoseconds until the next packet is due, when it was last looked at; 0 when it is not waited for.
  public var nanosecondsToNext: UInt64 { wait.load(ordering: .relaxed) }
  /// The first trouble, reading or writing; nil when there was none.
  public var error: CaptureError? { failure.withLock { $0 } }

  func note(bytesRead: UInt64, clock: ReplayClock) {
    bytes.store(bytesRead, ordering: .relaxed)
    jumps.store(clock.jumps, ordering: .relaxed)
    reversals.store(clock.reversals, ordering: .relaxed)
  }

  func note(rounds: UInt64, filteredOut: UInt64, forgotten: UInt64) {
    roundCount.store(rounds, ordering: .relaxed)
    filtered.store(filteredOut, ordering: .relaxed)
    self.forgotten.store(forgotten, ordering: .relaxed)
  }

  func note(wait nanoseconds: UInt64) { wait.store(nanoseconds, ordering: .relaxed) }

  /// Ends the replay at the next burst: what was read is finished properly.
  public func stop() { stopped.set() }

  var isStopped: Bool { stopped.isSet }

  func fail(_ error: CaptureError) {
    failure.withLock { $0 = $0 ?? error }
    stop()
  }
}
