import Foundation
import Glibc

/// A directory of its own for one test, with a short path, as sockets need it. Removed with it.
final class TestFolder: Sendable {
  let path: String

  /// What a test cannot go on without, and could not be made.
  struct Failure: Error { let what: String }

  init() throws {
    path = "/tmp/sluice-api-\(getpid())-\(UInt32.random(in: .min ... .max))"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// A path in it.
  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  func has(_ name: String) -> Bool { access(self(name), F_OK) == 0 }

  func attributes(_ name: String) throws -> stat {
    var status = stat()
    guard lstat(self(name), &status) == 0 else { throw Failure(what: "no status of \(name)") }
    return status
  }
}

/// Does what blocks on a thread of its own: those of Swift's concurrency are few, and the server needs them.
func aside<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
  try await withCheckedThrowingContinuation { continuation in
    Thread { continuation.resume(with: .init(catching: body)) }.start()
  }
}

/// What a command printed, and how it ended.
@discardableResult
func run(_ command: String, _ arguments: [String]) async throws -> (output: String, status: Int32) {
  try await aside {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: command)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (String(decoding: output, as: UTF8.self), process.terminationStatus)
  }
}
