internal import Foundation

/// Reading of text files, bounded.
enum TextFile {
  /// The largest text that is handed to Yams in one piece, in bytes.
  static let largestDocument = 1 << 20

  /// The bytes of the file, or of the pipe, at `path`.
  static func read(_ path: String, limit: Int) throws(ConfigError) -> [UInt8] {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw refusal(quoted(path), "is not a file name; accepted: the path of a YAML file")
    }
    guard FileManager.default.fileExists(atPath: path) else {
      throw refusal(path, "no such file; accepted: the path of a YAML file")
    }
    guard !FileManager.default.fileExists(atPath: path + "/.") else {
      throw refusal(path, "is a directory; accepted: the path of a YAML file")
    }
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw refusal(path, "cannot be opened; check that this user may read it")
    }
    defer { try? handle.close() }
    do {
      var bytes: [UInt8] = []
      while bytes.count <= limit, let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
        bytes.append(contentsOf: piece)
      }
      guard bytes.count <= limit else {
        throw refusal(path, "is over \(limit >> 20) MiB; accepted: up to \(limit >> 20) MiB")
      }
      return bytes
    } catch let error as ConfigError {
      throw error
    } catch {
      throw refusal(path, "cannot be read: \(error.localizedDescription)")
    }
  }

  /// The text of `bytes`, nil and a problem if they are not UTF-8.
  static func decode(_ bytes: ArraySlice<UInt8>, problems: inout ProblemList) -> String? {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    let line = 1 + longestValidPrefix(bytes).count { $0 == UInt8(ascii: "\n") }
    problems.add("is not UTF-8 text; save the file as UTF-8", line: line, column: nil)
    return nil
  }

  private static func longestValidPrefix(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var length = 0
    while case .scalarValue(let scalar) = decoder.decode(&iterator) { length += UTF8.width(scalar) }
    return bytes.prefix(length)
  }

  private static func refusal(_ file: String, _ message: String) -> ConfigError {
    ConfigError(problems: [ConfigError.Problem(file: file, message: message)])
  }
}
