import Glibc
import Testing

/// A directory of a test's own, removed with all in it at the end of its scope.
///
/// Not copyable, so that it does not end after its last use: paths are used longer than it.
struct TemporaryDirectory: ~Copyable {
  let path: String

  init() throws {
    var template = Array("/tmp/sluice-test-XXXXXX".utf8CString)
    let isMade = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) != nil }
    try #require(isMade)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Self.remove(path) }

  private static func remove(_ path: String) {
    for name in names(in: path) where unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
    rmdir(path)
  }

  /// Names of the files in it, sorted.
  var names: [String] { Self.names(in: path) }

  private static func names(in path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Makes a directory in it and answers its path.
  func subdirectory(_ name: String) -> String {
    mkdir(file(name), 0o755)
    return file(name)
  }

  /// Writes `bytes` to a file and answers its path.
  @discardableResult
  func write(_ bytes: [UInt8], to name: String = "in.pcap") throws -> String {
    let handle = try #require(fopen(file(name), "w"))
    let count = fwrite(bytes, 1, bytes.count, handle)
    #expect(fclose(handle) == 0 && count == bytes.count)
    return file(name)
  }

  func read(_ name: String) throws -> [UInt8] {
    let handle = try #require(fopen(file(name), "r"), "\(name) is missing")
    defer { fclose(handle) }
    fseek(handle, 0, SEEK_END)
    var bytes = [UInt8](repeating: 0, count: ftell(handle))
    rewind(handle)
    #expect(fread(&bytes, 1, bytes.count, handle) == bytes.count)
    return bytes
  }
}
