import Foundation
import FuzzTargets
import Testing

@Suite("Inputs of the fuzzer")
struct CorpusTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../Fuzz").standardized

  /// Every file for a target: seeds, and what once was a finding.
  private static func inputs(of target: FuzzTarget) throws -> [URL] {
    try ["Corpus", "Crashes"].flatMap { kind in
      let directory = root.appending(path: "\(kind)/\(target.rawValue)")
      guard FileManager.default.fileExists(atPath: directory.path) else { return [URL]() }
      return try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
    }.sorted { $0.path < $1.path }
  }

  @Test(arguments: FuzzTarget.allCases)
  func `every committed input, whole and cut`(target: FuzzTarget) throws {
    let inputs = try Self.inputs(of: target)
    #expect(inputs.count >= 8, "\(target)")
    for input in inputs {
      let bytes = [UInt8](try Data(contentsOf: input))
      for count in [bytes.count, bytes.count / 2, bytes.count - min(bytes.count, 5)] {
        let problems = target.problems(with: Array(bytes.prefix(count)))
        #expect(problems.isEmpty, "\(input.lastPathComponent), first \(count) bytes")
      }
    }
  }
}
