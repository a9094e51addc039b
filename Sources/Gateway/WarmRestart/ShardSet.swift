import Dataplane
import Glibc
import PacketIO

/// The shards that an earlier process left: all of them, of one set, and ours.
struct ShardSet {
  let number: UInt64
  let headers: [ShardHeader]
  private let files: [Int32]

  enum Found {
    case nothing
    case usable(ShardSet)
    /// Nothing is taken of what is there, for what it is; its number, if that can be read.
    case refused(String, number: UInt64?)
  }

  /// Opens what the file `current` names.
  ///
  /// - Throws: a file that is not ours alone: somebody has to look at it first.
  static func open(in directory: StateDirectory, clock: ClockIdentity) throws(DaemonError) -> Found {
    guard let current = try directory.open("current") else { return .nothing }
    defer { Glibc.close(current) }
    guard let number = number(in: current) else { return .refused("current is damaged", number: nil) }
    var files: [Int32] = []
    var headers: [ShardHeader] = []
    var problem: String?
    defer { if problem != nil { for file in files { Glibc.close(file) } } }
    var count = 1
    while files.count < count, problem == nil {
      let name = "\(number).\(files.count)"
      problem = "\(name) is missing"
      guard let file = try directory.open(name) else { break }
      files.append(file)
      problem = nil
      do throws(ShardHeader.Problem) {
        let header = try ShardHeader(descriptor: file, clock: clock)
        let isNext =
          Int(header.worker) == headers.count && header.generation == number
          && headers.first.map { areOfOneSet($0, header) } ?? true
        if !isNext { problem = "\(name) is of another set than its neighbours" }
        headers.append(header)
        count = Int(header.workers)
      } catch {
        problem = "\(name) \(error.text)"
      }
    }
    if let problem { return .refused(problem, number: number) }
    return .usable(ShardSet(number: number, headers: headers, files: files))
  }

  private static func number(in file: Int32) -> UInt64? {
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
    let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    guard text.hasSuffix("\n"), let number = UInt64(text.dropLast()), number > 0, number < .max else {
      return nil
    }
    return number
  }

  private static func areOfOneSet(_ one: ShardHeader, _ other: ShardHeader) -> Bool {
    one.workers == other.workers && one.recordCount == other.recordCount && one.capacity == other.capacity
      && one.wallOffset == other.wallOffset && one.secret.words == other.secret.words
  }

  func mappings(_ directory: StateDirectory, isWritable: Bool) throws(DaemonError) -> [ShardMapping] {
    var mappings: [ShardMapping] = []
    for (file, header) in zip(files, headers) {
      let mapping = ShardMapping(descriptor: file, header: header, isWritable: isWritable, isOld: true)
      guard let mapping else { throw directory.error("a file cannot be mapped: \(errorText(errno))") }
      mappings.append(mapping)
    }
    return mappings
  }

  func usedBytes(_ directory: StateDirectory) -> UInt64 {
    files.reduce(0) { $0 + directory.usedBytes($1) }
  }

  func close() { for file in files { Glibc.close(file) } }
}
