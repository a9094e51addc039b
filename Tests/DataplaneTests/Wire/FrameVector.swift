import Dataplane
import Foundation

/// One line of Tests/Vectors/wire/frames.txt, which generate.py beside it made with scapy.
struct FrameVector {
  var name: String
  var link: LinkType
  var bytes: [UInt8]
  /// What scapy says: `kind`, `src`, `transportLength` and so on.
  var expected: [String: String]

  struct Unreadable: Error { var line: String }

  static func all() throws -> [FrameVector] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = tests.appendingPathComponent("Vectors/wire/frames.txt")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    return try lines.filter { !$0.hasPrefix("#") }.map { try FrameVector(line: $0) }
  }

  private init(line: Substring) throws {
    let fields = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    guard fields.count == 5, let link = Self.link(fields[1]), Int(fields[2]) == fields[3].utf8.count / 2
    else {
      throw Unreadable(line: String(line))
    }
    let digits = Array(fields[3])
    name = fields[0]
    self.link = link
    bytes = try stride(from: 0, to: digits.count, by: 2).map { index in
      guard let byte = UInt8(String(digits[index...index + 1]), radix: 16) else {
        throw Unreadable(line: String(line))
      }
      return byte
    }
    let pairs = fields[4].split(separator: " ").map {
      $0.split(separator: "=", maxSplits: 1).map(String.init)
    }
    expected = Dictionary(uniqueKeysWithValues: pairs.map { ($0[0], $0[1]) })
  }

  private static func link(_ name: String) -> LinkType? {
    LinkType.allCases.first { "\($0)" == name }
  }
}
