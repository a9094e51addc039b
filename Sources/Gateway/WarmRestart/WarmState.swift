import Dataplane
import Glibc
import PacketIO
import Synchronization

/// What `warm_restart` has workers start with: the shards of their sessions, as an earlier process left them
/// or made anew. docs/decisions/0013.
///
/// A set of shards is a generation: files `GENERATION.WORKER`. The file `current` names the one that counts,
/// and is replaced when the next one is complete, so that a process killed at any time leaves one whole.
final class WarmState: Sendable {
  /// By worker.
  let shards: [ShardMapping]
  /// Those of an earlier process whose sessions have to be taken over into `shards`.
  let stored: [ShardMapping]
  /// Why nothing of an earlier process was taken; nil when there was nothing, or it was.
  let refusal: String?
  /// The key that sessions were dealt with, and the clock they were stamped with; nil for new ones.
  let secret: FlowSecret
  let clock: MonotonicClock
  let directory: StateDirectory
  private let generation: UInt64
  /// Whether `current` names its generation.
  private let counts = Atomic(false)

  /// What the shards have to be.
  struct Wanted {
    let workers: Int
    let capacity: Int
    let recordsPerWorker: UInt32
    /// For a start without sessions.
    let secret: FlowSecret

    /// Memory that its files take when they are full.
    fileprivate var neededBytes: UInt64 {
      UInt64(ShardLayout(recordCount: recordsPerWorker).neededBytes) * UInt64(workers)
    }
  }

  /// Opens or makes the shards of `setup`'s workers in the directory `path`.
  init(_ path: String, _ setup: WorkerSetup) throws(DaemonError) {
    let wanted = Wanted(
      workers: setup.workers, capacity: setup.capacity.limit, recordsPerWorker: setup.recordsPerWorker,
      secret: setup.secret)
    let directory = try StateDirectory(path)
    self.directory = directory
    let identity = try Self.clockIdentity(directory)
    var found: ShardSet?
    var refusal: String?
    var refused: UInt64?
    switch try ShardSet.open(in: directory, clock: identity) {
    case .nothing: break
    case .usable(let set): found = set
    case .refused(let text, let number): (refusal, refused) = ("\(path): \(text)", number)
    }
    defer { found?.close() }
    self.refusal = refusal
    let old = found?.headers.first
    // After a refusal what is there stays until a start has succeeded, if there is room: whoever goes back to
    // the version that wrote it finds it.
    let present = directory.generations
    clock = old.map { MonotonicClock(continuing: $0.wallOffset) } ?? MonotonicClock()
    secret = old?.secret ?? wanted.secret
    let isSame =
      old.map {
        Int($0.workers) == wanted.workers && $0.recordCount == wanted.recordsPerWorker
          && $0.capacity == wanted.capacity
      } ?? false
    if let found, isSame {
      generation = found.number
      directory.removeShards { $0 != found.number }
      try directory.checkRoom(for: wanted, taken: found.usedBytes(directory))
      shards = try found.mappings(directory, isWritable: true)
      stored = []
      return
    }
    stored = try found?.mappings(directory, isWritable: false) ?? []
    try Self.checkCapacity(stored, wanted, directory, at: clock.now)
    // What nobody refers to any more makes room first.
    let kept = found?.number ?? refused
    if kept != nil || refusal == nil { directory.removeShards { $0 != kept } }
    if found == nil, !directory.hasRoom(for: wanted) { directory.removeShards { _ in true } }
    try directory.checkRoom(for: wanted, taken: 0)
    generation = (present.max() ?? 0) + 1
    do throws(DaemonError) {
      shards = try Self.make(generation, wanted, secret, clock, identity, directory)
    } catch {
      let made = generation
      directory.removeShards { $0 == made }
      throw error
    }
  }

  /// A setup with which workers start from it.
  func prepared(_ setup: WorkerSetup, at time: PacketTime) -> WorkerSetup {
    var setup = setup.starting(at: time)
    setup.secret = secret
    setup.shards = shards
    setup.stored = stored
    return setup
  }

  /// The sessions of `stored` are in `shards`: from now on these count.
  func commit() throws(DaemonError) {
    // Their files are removed: only this keeps the memory.
    for shard in stored { shard.unmap() }
    if shards.first?.isOld == true { return }
    let text = Array("\(generation)\n".utf8)
    let file = try directory.make("current.new")
    let count = unsafe text.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
    close(file)
    guard count == text.count else { throw directory.error("\"current\" cannot be written") }
    try directory.rename("current.new", to: "current")
    counts.store(true, ordering: .relaxed)
    directory.removeShards { $0 != generation }
  }

  /// When the daemon did not start, what was made for it goes.
  deinit {
    if !counts.load(ordering: .relaxed), shards.first?.isOld != true {
      directory.removeShards { $0 == generation }
    }
  }

  private static func make(
    _ generation: UInt64, _ wanted: Wanted, _ secret: FlowSecret, _ clock: MonotonicClock,
    _ identity: ClockIdentity, _ directory: StateDirectory
  ) throws(DaemonError) -> [ShardMapping] {
    var shards: [ShardMapping] = []
    for worker in 0..<wanted.workers {
      let header = ShardHeader(
        clock: identity, generation: generation, capacity: UInt64(wanted.capacity),
        wallOffset: clock.wallOffset, secret: secret, workers: UInt32(wanted.workers),
        worker: UInt32(worker), recordCount: wanted.recordsPerWorker)
      let file = try directory.make("\(generation).\(worker)")
      defer { close(file) }
      let number = header.write(to: file)
      guard number == 0 else { throw directory.error("cannot be written: \(errorText(number))") }
      let mapping = ShardMapping(descriptor: file, header: header, isWritable: true, isOld: false)
      guard let mapping else { throw directory.error("a file cannot be mapped: \(errorText(errno))") }
      shards.append(mapping)
    }
    return shards
  }

  private static func checkCapacity(
    _ stored: [ShardMapping], _ wanted: Wanted, _ directory: StateDirectory, at time: PacketTime
  ) throws(DaemonError) {
    var live = 0
    for shard in stored {
      guard let sessions = StoredSessions(shard) else { throw directory.error("no memory to look into it") }
      live += sessions.countLive(at: time)
    }
    guard live <= wanted.capacity else {
      throw directory.error(
        "has \(live) sessions of an earlier process, and capacity is \(wanted.capacity): raise \"capacity\" "
          + "to \(live) or more, or remove the directory to start without them")
    }
  }

  /// What the kernel says about this start of the machine.
  private static func clockIdentity(_ directory: StateDirectory) throws(DaemonError) -> ClockIdentity {
    let digits = ProcessMemory.text("/proc/sys/kernel/random/boot_id").filter(\.isHexDigit)
    guard digits.count == 32, let high = UInt64(digits.prefix(16), radix: 16),
      let low = UInt64(digits.suffix(16), radix: 16)
    else { throw directory.error("cannot be used without /proc/sys/kernel/random/boot_id") }
    var status = stat()
    let isThere = unsafe stat("/proc/self/ns/time", &status) == 0
    return ClockIdentity(bootHigh: high, bootLow: low, namespace: isThere ? UInt64(status.st_ino) : 0)
  }
}

extension WorkerSetup {
  /// The same for workers whose time begins at `time`.
  func starting(at time: PacketTime) -> WorkerSetup {
    var setup = self
    setup.start = time
    return setup
  }
}

extension StateDirectory {
  /// A tmpfs that is full kills who writes to it: there has to be room for everything.
  ///
  /// - Parameter taken: bytes that the files have already.
  fileprivate func checkRoom(for wanted: WarmState.Wanted, taken: UInt64) throws(DaemonError) {
    let needed = wanted.neededBytes
    let free = freeBytes + taken
    guard needed <= free else {
      throw error(
        "is on a tmpfs with room for \(free >> 20) MB, and a table of \(wanted.capacity) sessions takes "
          + "\(needed >> 20) MB: give it more (mount -o remount,size=...), or lower \"capacity\"")
    }
  }

  fileprivate func hasRoom(for wanted: WarmState.Wanted) -> Bool { wanted.neededBytes <= freeBytes }

  /// The generations of which there are files.
  fileprivate var generations: [UInt64] { names.compactMap(Self.generation) }

  /// Removes shards of some generations; other files are none of ours.
  fileprivate func removeShards(where isUnwanted: (UInt64) -> Bool) {
    for name in names { if let number = Self.generation(name), isUnwanted(number) { remove(name) } }
  }

  /// The generation of a shard's file, `GENERATION.WORKER`; nil for other files.
  private static func generation(_ name: String) -> UInt64? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let number = UInt64(parts[0]), number < .max, UInt32(parts[1]) != nil else {
      return nil
    }
    return number
  }
}
