import Foundation
import Testing

/// A classic capture file, read and written independently of the product's code. pcap-savefile(5).
struct CaptureFile: Equatable {
  struct Packet: Hashable {
    /// Seconds and their fraction, as the file has them.
    var seconds: Int
    var fraction: Int
    var original: Int
    var bytes: [UInt8]
  }

  var link = 1
  var packets: [Packet] = []

  init() {}

  /// - Parameter prefix: how many of the file's bytes to take; packets that are cut are left out.
  init(_ path: String, prefix: Int = .max) throws {
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)).prefix(prefix))
    let isBigEndian = bytes[0] == 0xA1
    func word(_ offset: Int) -> Int {
      let word = bytes[offset..<offset + 4]
      return (isBigEndian ? Array(word) : word.reversed()).reduce(0) { $0 << 8 | Int($1) }
    }
    link = word(20)
    var offset = 24
    while offset + 16 <= bytes.count, offset + 16 + word(offset + 8) <= bytes.count {
      let end = offset + 16 + word(offset + 8)
      packets.append(
        Packet(
          seconds: word(offset), fraction: word(offset + 4), original: word(offset + 12),
          bytes: Array(bytes[offset + 16..<end])))
      offset = end
    }
  }

  /// Little-endian, microseconds.
  func write(to path: String) throws {
    func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    var bytes = word(0xA1B2_C3D4) + [2, 0, 4, 0] + word(0) + word(0) + word(262_144) + word(link)
    for packet in packets {
      bytes += word(packet.seconds) + word(packet.fraction) + word(packet.bytes.count) + word(packet.original)
      bytes += packet.bytes
    }
    try Data(bytes).write(to: URL(filePath: path))
  }
}

/// A directory of a test's own, removed with all in it at the end of its scope.
///
/// Not copyable, so that it does not end after its last use: paths are used longer than it.
struct TemporaryDirectory: ~Copyable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "sluice-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Names in it or in a directory of it, hidden ones included, sorted.
  func names(_ directory: String = ".") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: file(directory))) ?? []).sorted()
  }

  func read(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: file(name))) }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(filePath: file(name)))
  }

  func makeDirectory(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: file(name), withIntermediateDirectories: true)
  }
}
