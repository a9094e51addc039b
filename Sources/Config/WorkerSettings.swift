/// Which CPUs workers run on: `cores` of the configuration.
public enum CoreChoice: Hashable, Sendable {
  /// Chosen from where network devices and memory are, within the process's affinity mask.
  case auto
  /// Wherever the scheduler puts them.
  case any
  /// One CPU for each worker, in their order; each once, 0...8191.
  case list([Int])
}

/// How a worker's thread runs.
public struct WorkerSettings: Hashable, Sendable {
  public var cores = CoreChoice.auto
  /// Whether a worker without packets polls on without end; else it sleeps after `idleMicroseconds`.
  public var isBusyPolling = false
  /// How long a worker that finds nothing goes on polling before it sleeps, 0...1,000,000 µs. 50 is what
  /// the kernel's documentation suggests for busy polling (net.core.busy_poll).
  public var idleMicroseconds: UInt32 = 50
  /// SCHED_FIFO's priority, 1...99; nil for the ordinary scheduler.
  public var fifoPriority: Int?
  /// Whether the process's memory is locked: mlockall(2).
  public var locksMemory = false

  /// Whether the tables' memory is asked for at the start, not when sessions first use it.
  public var prefaults = true

  public init() {}
}
