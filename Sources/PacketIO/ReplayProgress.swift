import Synchronization

/// How far a replay is, and what ended it. Written by the worker that reads, looked at by anybody.
public final class ReplayProgress: Sendable {
  /// Bytes of all captures, headers included.
  public let totalBytes: UInt64
  private let bytes = Atomic<UInt64>(0)
  private let jumps = Atomic<UInt64>(0)
  private let reversals = Atomic<UInt64>(0)
  private let stopped = Atomic<Bool>(false)
  private let failure = Mutex<CaptureError?>(nil)

  init(totalBytes: UInt64) { self.totalBytes = totalBytes }

  /// Bytes read so far.
  public var bytesRead: UInt64 { bytes.load(ordering: .relaxed) }
  /// Packets whose timestamp lay more than a day ahead, and packets whose lay behind: held at the time
  /// before.
  public var timeJumps: UInt64 { jumps.load(ordering: .relaxed) }
  public var timeReversals: UInt64 { reversals.load(ordering: .relaxed) }
  /// The first trouble, reading or writing; nil when there was none.
  public var error: CaptureError? { failure.withLock { $0 } }

  func note(bytesRead: UInt64, clock: ReplayClock) {
    bytes.store(bytesRead, ordering: .relaxed)
    jumps.store(clock.jumps, ordering: .relaxed)
    reversals.store(clock.reversals, ordering: .relaxed)
  }

  /// Ends the replay at the next burst: what was read is finished properly.
  public func stop() { stopped.store(true, ordering: .relaxed) }

  var isStopped: Bool { stopped.load(ordering: .relaxed) }

  func fail(_ error: CaptureError) {
    failure.withLock { $0 = $0 ?? error }
    stop()
  }
}
