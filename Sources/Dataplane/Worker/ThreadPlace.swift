/// Where and how a thread runs.
public struct ThreadPlace: Equatable, Sendable {
  /// The CPU it is pinned to; nil when the scheduler chooses.
  public var core: Int?
  /// The NUMA node whose memory it takes first; nil for the kernel's choice, the nearest.
  public var memoryNode: Int?
  /// SCHED_FIFO's priority, 1...99; nil for the ordinary scheduler.
  public var fifoPriority: Int?

  public init(core: Int? = nil, memoryNode: Int? = nil, fifoPriority: Int? = nil) {
    self.core = core
    self.memoryNode = memoryNode
    self.fifoPriority = fifoPriority
  }

  /// As the kernel likes.
  public static let any = ThreadPlace()
}
