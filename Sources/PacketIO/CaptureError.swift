/// Why a capture cannot be read on, or written: file, place, what was found, and what would help.
public struct CaptureError: Error, Equatable, CustomStringConvertible, Sendable {
  /// What kind of trouble it is.
  public enum Code: Sendable, Equatable {
    case cannotOpen, notACapture, truncated, corrupt, shrank, cannotWrite
  }

  public let code: Code
  public let file: String
  /// Bytes from the start of the file; nil when the whole file is meant.
  public let offset: UInt64?
  public let message: String

  public init(_ code: Code, file: String, offset: UInt64? = nil, _ message: String) {
    self.code = code
    self.file = file
    self.offset = offset
    self.message = message
  }

  /// `FILE: at offset N: message`.
  public var description: String {
    guard let offset else { return "\(file): \(message)" }
    return "\(file): at offset \(offset): \(message)"
  }
}
