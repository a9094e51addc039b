/// Which bytes of a datagram's payload its fragments have carried so far: ranges in order, none touching
/// another, at most `capacity` of them.
package struct FragmentRanges: BitwiseCopyable {
  /// Ranges kept. The fragments of 64 KB at 1500 bytes are 45: however they are shuffled they leave no more
  /// than 23 ranges.
  package static let capacity = 32

  /// What `add` found.
  package enum Addition: Equatable {
    case added, overlaps, isCovered, tooMany
  }

  private struct Range: BitwiseCopyable {
    var start: UInt16 = 0
    var end: UInt16 = 0
  }

  private var ranges = InlineArray<32, Range>(repeating: Range())
  package private(set) var count = 0
  /// The datagram's end; nil before its last fragment.
  package private(set) var end: Int?

  package init() {}

  /// Whether all bytes of the datagram were there.
  package var isComplete: Bool { count == 1 && ranges[0].start == 0 && Int(ranges[0].end) == end }

  /// Notes a fragment's part. Changes nothing unless it is `.added`.
  ///
  /// - Parameters:
  ///   - start, stop: bytes, 0...65535, not empty.
  ///   - isLast: whether the datagram ends at `stop`.
  package mutating func add(_ start: Int, _ stop: Int, isLast: Bool) -> Addition {
    let furthest = count == 0 ? 0 : Int(ranges[count - 1].end)
    // All must agree on where the datagram ends.
    if isLast ? (end ?? stop) != stop || furthest > stop : stop > end ?? .max { return .overlaps }
    var position = 0
    while position < count, Int(ranges[position].end) < start { position += 1 }
    // The range at `position` ends at or behind `start`.
    let touchesBefore = position < count && Int(ranges[position].end) == start
    let next = touchesBefore ? position + 1 : position
    if next < count, Int(ranges[next].start) < stop {
      let isCovered = Int(ranges[next].start) <= start && stop <= Int(ranges[next].end)
      // A last fragment that was not known as such disagrees with the one before.
      return isCovered && isLast == (stop == end) ? .isCovered : .overlaps
    }
    let touchesAfter = next < count && Int(ranges[next].start) == stop
    switch (touchesBefore, touchesAfter) {
    case (true, true):
      ranges[position].end = ranges[next].end
      remove(next)
    case (true, false): ranges[position].end = UInt16(truncatingIfNeeded: stop)
    case (false, true): ranges[next].start = UInt16(truncatingIfNeeded: start)
    case (false, false):
      guard insert(start, stop, at: next) else { return .tooMany }
    }
    if isLast { end = stop }
    return .added
  }

  private mutating func remove(_ position: Int) {
    count -= 1
    for index in position..<count { ranges[index] = ranges[index + 1] }
  }

  private mutating func insert(_ start: Int, _ stop: Int, at position: Int) -> Bool {
    guard count < Self.capacity else { return false }
    for index in stride(from: count, to: position, by: -1) { ranges[index] = ranges[index - 1] }
    ranges[position] = Range(start: UInt16(truncatingIfNeeded: start), end: UInt16(truncatingIfNeeded: stop))
    count += 1
    return true
  }
}
