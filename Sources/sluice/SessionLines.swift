import Dataplane
import Foundation
import Gateway
import PacketIO

/// The file of `--sessions-out`: a JSON object a line, enumerations by their proto names.
final class SessionLines {
  private static let flushSize = 1 << 16

  private let path: String?
  private var file: FileHandle?
  private var buffer: [UInt8] = []
  private var failure: ReplayError?

  /// - Parameters:
  ///   - path: nil for no file; then nothing is ever done.
  ///   - inputs: files that are read and must not be overwritten.
  /// - Throws: `.usage` when the path is one of them, or empty.
  init(_ path: String?, inputs: [String]) throws(ReplayError) {
    self.path = path
    guard let path else { return }
    let own = FileIdentity(path)
    if path.isEmpty || (own != nil && inputs.contains { FileIdentity($0) == own }) {
      throw ReplayError(
        .usage, "--sessions-out \"\(path)\": would overwrite a file that is read, or names none")
    }
    buffer.reserveCapacity(2 * Self.flushSize)
  }

  /// Makes the file, or empties it.
  ///
  /// - Throws: `.failed` when it cannot be made.
  func open() throws(ReplayError) {
    guard let path else { return }
    // Devices such as /dev/stdout are written to as they are.
    if !FileManager.default.fileExists(atPath: path) || Self.isRegular(path) {
      guard FileManager.default.createFile(atPath: path, contents: nil) else {
        throw ReplayError(.failed, "--sessions-out \(path): cannot be made: \(errorText(errno))")
      }
    }
    file = FileHandle(forWritingAtPath: path)
    guard file != nil else {
      throw ReplayError(.failed, "--sessions-out \(path): cannot be opened for writing: \(errorText(errno))")
    }
  }

  func write(_ session: SessionSnapshot) {
    guard file != nil else { return }
    buffer += SessionJSON.text(session).utf8
    buffer.append(UInt8(ascii: "\n"))
    if buffer.count >= Self.flushSize { flush() }
  }

  /// - Throws: `.failed` when something could not be written.
  func close() throws(ReplayError) {
    flush()
    if let failure { throw failure }
  }

  private func flush() {
    guard let file, failure == nil, !buffer.isEmpty else { return }
    do {
      try file.write(contentsOf: Data(buffer))
    } catch {
      failure = ReplayError(
        .failed, "--sessions-out \(path ?? ""): cannot be written: \(error.localizedDescription)")
    }
    buffer.removeAll(keepingCapacity: true)
  }

  private static func isRegular(_ path: String) -> Bool {
    let type = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
    return type == .typeRegular
  }
}
