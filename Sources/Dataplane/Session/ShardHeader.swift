import Glibc

/// What a shard's file says about itself, at its beginning. Written once, when the file is made.
package struct ShardHeader: BitwiseCopyable, Equatable, Sendable {
  private var magic = Self.magicWord
  private var layout = ShardLayout.version
  /// The time that sessions' times are of.
  package var clock: ClockIdentity
  /// Which of the sets of files in a directory it belongs to.
  package var generation: UInt64
  /// Sessions over all workers.
  package var capacity: UInt64
  /// Wall time less the clock's, in nanoseconds.
  package var wallOffset: UInt64
  private var secretWords: (UInt64, UInt64, UInt64, UInt64)
  /// How many shards there are, and which one this is.
  package var workers: UInt32
  package var worker: UInt32
  package var recordCount: UInt32
  private var unused: UInt32 = 0
  private var checksum: UInt64 = 0

  private static let magicWord: UInt64 = 0x6475_6C73_6369_7531

  package init(
    clock: ClockIdentity, generation: UInt64, capacity: UInt64, wallOffset: UInt64, secret: FlowSecret,
    workers: UInt32, worker: UInt32, recordCount: UInt32
  ) {
    self.clock = clock
    self.generation = generation
    self.capacity = capacity
    self.wallOffset = wallOffset
    secretWords = secret.words
    self.workers = workers
    self.worker = worker
    self.recordCount = recordCount
    checksum = sum
  }

  package var secret: FlowSecret {
    FlowSecret(secretWords.0, secretWords.1, secretWords.2, secretWords.3)
  }

  private var sum: UInt64 {
    var sum = ShardChecksum()
    for word in [
      magic, layout, clock.bootHigh, clock.bootLow, clock.namespace, generation, capacity, wallOffset,
      secretWords.0, secretWords.1, secretWords.2, secretWords.3, UInt64(workers) << 32 | UInt64(worker),
      UInt64(recordCount) << 32 | UInt64(unused),
    ] { sum.add(word) }
    return sum.value
  }

  /// Why a file is not taken.
  package enum Problem: Error, Equatable {
    case truncated, notAShard, layout, checksum, clock

    package var text: String {
      switch self {
      case .truncated: "is cut short"
      case .notAShard: "is not one of sluice's"
      case .layout: "was written by another version of sluice"
      case .checksum: "has a damaged header"
      case .clock: "is of before the machine's last start"
      }
    }
  }

  /// Reads the header of a file and judges it.
  ///
  /// - Parameter clock: the present one.
  package init(descriptor: Int32, clock: ClockIdentity) throws(Problem) {
    var header = ShardHeader(
      clock: clock, generation: 0, capacity: 0, wallOffset: 0, secret: FlowSecret(0, 0, 0, 0), workers: 0,
      worker: 0, recordCount: 0)
    let size = MemoryLayout<ShardHeader>.size
    // SAFETY: as many bytes as the header has, every pattern of which is valid.
    let count = unsafe pread(descriptor, &header, size, 0)
    guard count == size else { throw .truncated }
    guard header.magic == Self.magicWord else { throw .notAShard }
    guard header.layout == ShardLayout.version else { throw .layout }
    guard header.checksum == header.sum, header.recordCount > 0, header.recordCount <= 4_000_000_000,
      (1...64).contains(header.workers), header.worker < header.workers
    else { throw .checksum }
    guard header.clock == clock else { throw .clock }
    var status = stat()
    let layout = ShardLayout(recordCount: header.recordCount)
    guard unsafe fstat(descriptor, &status) == 0, Int(status.st_size) == layout.byteCount else {
      throw .truncated
    }
    self = header
  }

  /// Makes the file as large as it has to be, and writes the header into it.
  ///
  /// - Returns: an errno; 0 when done.
  package func write(to descriptor: Int32) -> Int32 {
    guard ftruncate(descriptor, ShardLayout(recordCount: recordCount).byteCount) == 0 else { return errno }
    var header = self
    let size = MemoryLayout<ShardHeader>.size
    // SAFETY: as many bytes as the header has.
    return unsafe pwrite(descriptor, &header, size, 0) == size ? 0 : errno
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.sum == right.sum && left.checksum == right.checksum
  }
}

/// Which clock a time is of: CLOCK_MONOTONIC goes on within one start of the machine, in one time namespace
/// (time_namespaces(7)).
package struct ClockIdentity: Equatable, BitwiseCopyable, Sendable {
  /// The kernel's boot_id.
  package var bootHigh: UInt64
  package var bootLow: UInt64
  /// Number of the time namespace; 0 where there is none.
  package var namespace: UInt64

  package init(bootHigh: UInt64, bootLow: UInt64, namespace: UInt64) {
    self.bootHigh = bootHigh
    self.bootLow = bootLow
    self.namespace = namespace
  }
}
