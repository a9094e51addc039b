import Foundation
import PacketIO

/// Where a generated capture goes: a file that has its name only once it is whole, a device, standard output.
struct GeneratedFile {
  /// What is written to.
  let path: String
  /// The name that it gets at the end; nil when it has it already.
  private let target: String?

  /// - Throws: `.usage` when the path is a directory or empty, `.failed` when the file that it is meanwhile
  ///   cannot be made, or is there already.
  init(_ path: String) throws(ReplayError) {
    guard !path.isEmpty else {
      throw ReplayError(.usage, "--write: an empty path; name a file, or - for standard output")
    }
    if path == "-" {
      (self.path, target) = (path, nil)
      return
    }
    // A link stays what it is: the file that it leads to is written.
    let resolved = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let type = try? FileManager.default.attributesOfItem(atPath: resolved)[.type] as? FileAttributeType
    guard type != .typeDirectory, !path.hasSuffix("/") else {
      throw ReplayError(.usage, "--write \(path): is a directory; name a file in it")
    }
    if type == nil || type == .typeRegular {
      (self.path, target) = (resolved + ".part", resolved)
      try claim()
    } else {
      (self.path, target) = (path, nil)
    }
  }

  /// Makes the file that is written to. One that is there may be of another run, or the user's own.
  private func claim() throws(ReplayError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    if descriptor >= 0 {
      close(descriptor)
      return
    }
    let reason = errno == EEXIST ? "is there already: another run writes it, or was killed" : errorText(errno)
    throw ReplayError(.failed, "--write: \(path): \(reason)")
  }

  /// Gives the whole file its name.
  ///
  /// - Throws: `.failed`.
  func keep() throws(ReplayError) {
    guard let target else { return }
    guard unsafe rename(path, target) == 0 else {
      let reason = errorText(errno)
      discard()
      throw ReplayError(.failed, "--write \(target): cannot be put in place: \(reason)")
    }
  }

  /// Removes what there is of it.
  func discard() {
    guard target != nil else { return }
    _ = unsafe unlink(path)
  }
}
