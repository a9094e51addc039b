import Glibc

/// A file of some bytes that has a path but no name, and is gone when its owner or the process is.
struct ScratchFile: ~Copyable {
  private let descriptor: Int32

  /// - Parameter bytes: what the file holds.
  init(_ bytes: [UInt8]) {
    let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(directory)/sluice-scratch-XXXXXX".utf8CString)
    descriptor = mkstemp(&template)
    precondition(descriptor >= 0, "no scratch file can be made in \(directory)")
    unlink(template)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, $0.count - written) }
      precondition(count > 0, "the scratch file in \(directory) cannot be written")
      written += count
    }
  }

  deinit { close(descriptor) }

  /// Opens as the file itself, from its first byte.
  var path: String { "/proc/self/fd/\(descriptor)" }
}
