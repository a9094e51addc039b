import Dataplane
import Glibc

/// Shards in files without a name, and tables in them that come and go.
final class ShardBench {
  static let clock = ClockIdentity(bootHigh: 1, bootLow: 2, namespace: 3)
  static let start = PacketTime(nanoseconds: SessionBench.start)
  let files: [Int32]
  let recordCount: UInt32
  let workers: Int

  struct NoFile: Error {}

  init(records: UInt32 = 64, workers: Int = 1) throws {
    recordCount = records
    self.workers = workers
    files = try (0..<workers).map { worker in
      var name = Array("/tmp/sluice-shard-XXXXXX".utf8CString)
      let file = mkstemp(&name)
      unlink(name)
      guard file >= 0, Self.header(records, workers, worker).write(to: file) == 0 else { throw NoFile() }
      return file
    }
  }

  deinit { for file in files { close(file) } }

  private static func header(_ records: UInt32, _ workers: Int, _ worker: Int) -> ShardHeader {
    ShardHeader(
      clock: clock, generation: 1, capacity: UInt64(records), wallOffset: 5, secret: SessionBench.secret,
      workers: UInt32(workers), worker: UInt32(worker), recordCount: records)
  }

  func mapping(_ worker: Int = 0, isOld: Bool, isWritable: Bool = true) throws -> ShardMapping {
    let header = try ShardHeader(descriptor: files[worker], clock: Self.clock)
    guard
      let mapping = ShardMapping(
        descriptor: files[worker], header: header, isWritable: isWritable, isOld: isOld)
    else { throw NoFile() }
    return mapping
  }

  /// A table in the file of `worker`. What is there comes back if it `isOld`, and what `stored` has.
  func table(
    _ worker: Int = 0, isOld: Bool, from stored: [ShardMapping] = [], capacity: SessionCapacity? = nil,
    at time: PacketTime = ShardBench.start
  ) throws -> SessionTable {
    var table = try required(
      SessionTable(
        recordCount: recordCount, worker: UInt32(worker),
        capacity: capacity ?? SessionCapacity(limit: Int(recordCount)), secret: SessionBench.secret,
        timeouts: Timeouts(), isReporting: true, at: time, shard: try mapping(worker, isOld: isOld)))
    try table.restore(from: stored)
    return table
  }

  static func sorted(_ sessions: [SessionSnapshot]) -> [SessionSnapshot] {
    sessions.sorted { $0.id < $1.id }
  }

  /// Changes a byte of a file.
  func flip(_ offset: Int, _ bits: UInt8, worker: Int = 0) {
    var byte: UInt8 = 0
    _ = pread(files[worker], &byte, 1, off_t(offset))
    byte ^= bits
    _ = pwrite(files[worker], &byte, 1, off_t(offset))
  }

  // Where things lie, as ShardLayout says.
  static let policies = 2 << 20
  static let records = policies + 64 << 20
  static let details = records + 2 << 20
  static let addresses = details + 2 << 20
}

extension SessionTable {
  /// Every session with its record, in a fixed order.
  func all() -> [SessionSnapshot] {
    var all: [SessionSnapshot] = []
    _ = forEach(from: 0, of: .all) {
      all.append($0)
      return true
    }
    return ShardBench.sorted(all)
  }
}
