import Dataplane
import Foundation
import Testing

/// How many random sequences a property is tried on: SLUICE_SEQUENCES, by default few.
enum Sequences {
  static let seeds: [UInt64] = {
    let count = ProcessInfo.processInfo.environment["SLUICE_SEQUENCES"].flatMap { UInt64($0) } ?? 6
    return Array(1...max(count, 1))
  }()
}

@Suite("Any sequence of packets, the same answer")
struct SequenceTests {
  @Test(arguments: Sequences.seeds)
  func `with 1, 2 and 4 workers and bursts of any size`(seed: UInt64) throws {
    let sequence = RandomSequence(seed: seed, count: 3000)
    let one = try PathRun(sequence, workers: 1, burstSizes: [1], burstLimit: 1)
    #expect(one.problems.isEmpty, "seed \(seed)")
    #expect(one.packets.count == 3000, "seed \(seed)")
    var random = SplitMix64(state: seed)
    for workers in [1, 1, 2, 4] {
      let sizes = (0..<9).map { _ in 1 + random.below(random.oneIn(3) ? 256 : 20) }
      let limit = 1 + random.below(256)
      let many = try PathRun(sequence, workers: workers, burstSizes: sizes, burstLimit: limit)
      let what = "seed \(seed), \(workers) workers, bursts of \(sizes), at most \(limit)"
      #expect(many.problems.isEmpty, "\(what)")
      expectSame(many.packets, one.packets, what)
      expectSame(many.copies, one.copies, what)
      expectSame(many.totals, one.totals, what)
      expectSame(many.sessions, one.sessions, what)
    }
  }

  /// Shows the first line that differs, not all of them.
  private func expectSame(_ lines: [String], _ expected: [String], _ what: String) {
    let first = zip(lines, expected).first { $0 != $1 }
    #expect(first == nil && lines.count == expected.count, "\(what)")
  }
}
