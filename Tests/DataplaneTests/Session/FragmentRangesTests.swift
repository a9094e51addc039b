import Dataplane
import Testing

@Suite("Which bytes of a datagram were seen")
struct FragmentRangesTests {
  /// The same, byte by byte.
  private struct Model {
    var seen = [Bool](repeating: false, count: 65_536)
    var end: Int?

    var furthest: Int { (seen.lastIndex(of: true) ?? -1) + 1 }
    var rangeCount: Int { seen.indices.count { seen[$0] && ($0 == 0 || !seen[$0 - 1]) } }
    var isComplete: Bool { end.map { stop in seen[0..<stop].allSatisfy { $0 } } ?? false }

    mutating func add(_ start: Int, _ stop: Int, isLast: Bool) -> FragmentRanges.Addition {
      if isLast {
        if let end, end != stop { return .overlaps }
        if furthest > stop { return .overlaps }
      } else if let end, stop > end {
        return .overlaps
      }
      if seen[start..<stop].allSatisfy({ $0 }) { return isLast == (stop == end) ? .isCovered : .overlaps }
      if seen[start..<stop].contains(true) { return .overlaps }
      let before = self
      for byte in start..<stop { seen[byte] = true }
      if rangeCount > FragmentRanges.capacity {
        self = before
        return .tooMany
      }
      if isLast { end = stop }
      return .added
    }
  }

  @Test(arguments: 1...40)
  func `random fragments, as a map of bytes sees them`(seed: UInt64) {
    var random = SplitMix64(state: seed)
    var ranges = FragmentRanges()
    var model = Model()
    let unit = seed % 2 == 0 ? 8 : 1
    for _ in 0..<300 {
      let start = Int(random.next() % 100) * unit
      let stop = start + (1 + Int(random.next() % 4)) * unit
      let isLast = random.next() % 40 == 0
      let expected = model.add(start, stop, isLast: isLast)
      #expect(ranges.add(start, stop, isLast: isLast) == expected, "\(start)..<\(stop) \(isLast)")
      #expect(ranges.isComplete == model.isComplete && ranges.end == model.end)
      #expect(ranges.count == model.rangeCount)
    }
  }

  @Test func `the longest datagram in any order is complete`() {
    for stride in [1, 7, 13, 44] {
      var ranges = FragmentRanges()
      for step in 0..<45 {
        let index = step * stride % 45
        let stop = min((index + 1) * 1480, 65_535)
        #expect(ranges.add(index * 1480, stop, isLast: index == 44) == .added)
      }
      #expect(ranges.isComplete && ranges.end == 65_535)
    }
  }

  @Test func `a last fragment that ends before others, and one where no end was`() {
    var ranges = FragmentRanges()
    #expect(ranges.add(0, 64, isLast: false) == .added)
    #expect(ranges.add(32, 48, isLast: true) == .overlaps)
    #expect(ranges.add(48, 64, isLast: true) == .overlaps)
    #expect(ranges.add(64, 70, isLast: true) == .added && ranges.isComplete)
    #expect(ranges.add(64, 70, isLast: true) == .isCovered)
    #expect(ranges.add(72, 80, isLast: false) == .overlaps)
  }
}
