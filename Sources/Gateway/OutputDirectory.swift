import Foundation
import PacketIO

/// The directory of `--write`: made, cleared of an earlier run's files, and put in order at the end.
final class OutputDirectory: Sendable {
  private let path: String
  private let inputs: [String]
  private let workers: Int

  /// - Throws: `.usage` when the path is something else than a directory.
  init(_ path: String, inputs: [String], workers: Int) throws(ReplayError) {
    self.path = path
    self.inputs = inputs
    self.workers = workers
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let type = try? FileManager.default.attributesOfItem(atPath: target)[.type] as? FileAttributeType
    if let type, type != .typeDirectory {
      throw ReplayError(.usage, "--write \(path): is no directory")
    }
  }

  /// Where worker `index` writes: the directory itself, or with several workers a part of its own.
  func directory(of index: Int) -> String { workers == 1 ? path : "\(path)/\(Self.partPrefix)\(index)" }

  private static let partPrefix = ".worker-"

  private var ours: [String] { entries(path).filter(Self.isOurs).map { "\(path)/\($0)" } }

  /// Parts of an earlier run that was ended by force.
  private var stale: [String] {
    entries(path).filter { $0.hasPrefix(Self.partPrefix) }.map { "\(path)/\($0)" }
  }

  /// Makes the directory. Nothing in it is touched yet.
  ///
  /// - Throws: `.failed` when that cannot be done; `.usage` when a file to be read would be overwritten.
  func prepare() throws(ReplayError) {
    try make(path)
    for file in ours + stale.flatMap({ part in entries(part).map { "\(part)/\($0)" } }) where isInput(file) {
      throw ReplayError(.usage, "--write \(path): would overwrite \(file), which is read")
    }
  }

  /// Removes what an earlier run wrote, and makes the workers' parts.
  ///
  /// - Throws: `.failed` when that cannot be done.
  func clear() throws(ReplayError) {
    // Devices and links to elsewhere are written to, not removed.
    for file in ours where isRegular(file) { remove(file) }
    for part in stale {
      clear(part)
      remove(part)
    }
    guard workers > 1 else { return }
    for index in 0..<workers { try make(directory(of: index)) }
  }

  /// Puts the workers' parts together.
  ///
  /// - Returns: the trouble that this met; nil when there was none.
  func finish() -> CaptureError? {
    guard workers > 1 else { return nil }
    var names: Set<String> = []
    for index in 0..<workers {
      names.formUnion(entries(directory(of: index)).filter { $0.hasSuffix(".pcap") })
    }
    var trouble: CaptureError?
    for name in names.sorted() {
      let parts = (0..<workers).map { "\(directory(of: $0))/\(name)" }
      do throws(CaptureError) {
        try CaptureMerge.merge(parts.filter(FileManager.default.fileExists), into: "\(path)/\(name)")
      } catch {
        trouble = trouble ?? error
      }
    }
    for index in 0..<workers {
      clear(directory(of: index))
      remove(directory(of: index))
    }
    return trouble
  }

  private func make(_ directory: String) throws(ReplayError) {
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw ReplayError(.failed, "--write \(directory): cannot be made: \(error.localizedDescription)")
    }
  }

  private func clear(_ directory: String) {
    for name in entries(directory) where name.hasSuffix(".pcap") || name.hasSuffix(".order") {
      remove("\(directory)/\(name)")
    }
  }

  /// What cannot be removed is overwritten or fails there, with its own error.
  private func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

  /// Names that a replay writes.
  static func isOurs(_ name: String) -> Bool {
    guard name.hasSuffix(".pcap") else { return false }
    let stem = name.dropLast(5)
    if ["mirror", "snoop", "punt", "drop"].contains(where: { stem == $0 || stem.hasPrefix("\($0)-linktype-") }
    ) {
      return true
    }
    return stem.hasPrefix("lif-") && stem.dropFirst(4).first?.isNumber == true
  }

  private func entries(_ directory: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
  }

  private func isRegular(_ file: String) -> Bool {
    let attributes = try? FileManager.default.attributesOfItem(atPath: file)
    return attributes?[.type] as? FileAttributeType == .typeRegular
  }

  private func isInput(_ file: String) -> Bool {
    guard let own = FileIdentity(file) else { return false }
    return inputs.contains { FileIdentity($0) == own }
  }
}
