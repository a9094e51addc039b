import Foundation
import PacketIO

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
      throw CommandFailure(status: 1, message: message(error))
    }
  }

  /// Nothing for a reader that went away, as `head` does: it knows.
  private static func message(_ error: any Error) -> String {
    let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    guard let cause, cause.domain == NSPOSIXErrorDomain else {
      return "standard output: cannot be written: \(error.localizedDescription)"
    }
    let number = Int32(cause.code)
    return number == EPIPE ? "" : "standard output: cannot be written: \(errorText(number))"
  }
}
