import Dataplane
import Glibc
import PacketIO

/// The shards that an earlier process left: all of them, of one set, and ours.
struct ShardSet {
  let number: UInt64
  let headers: [ShardHeader]
  private let files: [Int32]

  /// Why nothing is taken of what is there.
  struct Refusal: Error {
    let text: String
  }

  /// Opens what the file `current` names.
  ///
  /// - Returns: nil when there is nothing.
  /// - Throws: `Refusal`.
  init?(in directory: StateDirectory, clock: ClockIdentity) throws(Refusal) {
    guard let number = try Self.current(directory) else { return nil }
    var files: [Int32] = []
    var headers: [ShardHeader] = []
    do throws(Refusal) {
      var count = 1
      while files.count < count {
        let name = "\(number).\(files.count)"
        guard let file = try Self.open(name, directory) else { throw Refusal(text: "\(name) is missing") }
        files.append(file)
        let header: ShardHeader
        do throws(ShardHeader.Problem) {
          header = try ShardHeader(descriptor: file, clock: clock)
        } catch {
          throw Refusal(text: "\(name) \(error.text)")
        }
        guard Int(header.worker) == headers.count, header.generation == number,
          headers.first.map({ Self.areOfOneSet($0, header) }) ?? true
        else { throw Refusal(text: "\(name) is of another set than its neighbours") }
        headers.append(header)
        count = Int(header.workers)
      }
    } catch {
      for file in files { Glibc.close(file) }
      throw error
    }
    self.number = number
    self.headers = headers
    self.files = files
  }

  private static func current(_ directory: StateDirectory) throws(Refusal) -> UInt64? {
    guard let file = try open("current", directory) else { return nil }
    defer { Glibc.close(file) }
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
    let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    guard text.hasSuffix("\n"), let number = UInt64(text.dropLast()), number > 0, number < .max else {
      throw Refusal(text: "current is damaged")
    }
    return number
  }

  private static func open(_ name: String, _ directory: StateDirectory) throws(Refusal) -> Int32? {
    do throws(DaemonError) {
      return try directory.open(name)
    } catch {
      throw Refusal(text: error.message)
    }
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
