import Glibc

/// Small files below a directory that the kernel fills, `/sys`, or a recorded one. What is there is not
/// trusted: whatever cannot be read as a short text is not there.
struct SysfsTree: Sendable {
  /// Without a slash at its end.
  let root: String

  init(root: String) { self.root = root }

  /// The file's text; nil when it is missing, no regular file, over 64 KiB, or not UTF-8.
  func text(_ path: String) -> String? {
    // Not blocking: a pipe that somebody put there must not hold up the start.
    let file = unsafe open("\(root)/\(path)", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    var bytes = [UInt8](repeating: 0, count: Self.largest + 1)
    var count = 0
    while count < bytes.count {
      // SAFETY: at most what is left of the array.
      let got = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe read(file, buffer.baseAddress.map { unsafe $0 + count }, buffer.count - count)
      }
      if got < 0 { return nil }
      if got == 0 { break }
      count += got
    }
    guard count <= Self.largest else { return nil }
    return String(validating: bytes[..<count], as: UTF8.self)
  }

  /// The file's text as one decimal integer, a sign allowed.
  func integer(_ path: String) -> Int? {
    text(path).flatMap { Int($0.filter { !$0.isWhitespace }) }
  }

  /// The file's text as a list of CPUs.
  func list(_ path: String) -> CPUList? { text(path).flatMap { CPUList(text: $0) } }

  /// The numbers N of the entries `PREFIXN` of a directory, ascending; none when it is missing.
  func numbers(in path: String, prefix: String, upTo highest: Int) -> [Int] {
    guard let directory = unsafe opendir("\(root)/\(path)") else { return [] }
    defer { unsafe closedir(directory) }
    var numbers: Set<Int> = []
    while let entry = unsafe readdir(directory) {
      // SAFETY: readdir(3) ends the name with a zero byte.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      guard name.hasPrefix(prefix), let number = Int(name.dropFirst(prefix.count)), number >= 0,
        number <= highest, name == "\(prefix)\(number)"
      else { continue }
      numbers.insert(number)
    }
    return numbers.sorted()
  }

  /// A list of 8192 CPUs, every other one of them, has 41 KB.
  private static let largest = 64 << 10
}
