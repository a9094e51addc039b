import Foundation

/// Standard output as a place where writing can fail: a full disk or a closed pipe is an error, not silence.
enum StandardOutput {
  /// Writes a line.
  ///
  /// - Throws: `CommandFailure` with status 1.
  static func print(_ text: String) throws(CommandFailure) { try write(text + "\n") }

  /// Writes a text as it is.
  ///
  /// - Throws: `CommandFailure` with status 1.
  static func write(_ text: String) throws(CommandFailure) {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    } catch {
      throw CommandFailure(
        status: 1, message: "standard output: cannot be written: \(error.localizedDescription)")
    }
  }
}
