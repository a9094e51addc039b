/// CPU or node numbers as the kernel lists them: `0-3,8`. Sorted, each number once.
package struct CPUList: Equatable, Sendable {
  /// Ascending.
  package let numbers: [Int]

  package init(_ numbers: some Sequence<Int>) { self.numbers = Set(numbers).sorted() }

  /// Reads the list format of cpuset(7) as sysfs prints it; nothing between the ends of a blank text.
  ///
  /// - Returns: nil for anything else, and for numbers above 8191: no kernel has more CPUs (NR_CPUS).
  package init?(text: String) {
    var found: Set<Int> = []
    let trimmed = text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()
    let body = String(trimmed)
    guard !body.isEmpty else {
      numbers = []
      return
    }
    for part in body.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false)
      guard (1...2).contains(ends.count), let first = Self.number(ends[0]),
        let last = Self.number(ends[ends.count - 1]), first <= last
      else { return nil }
      found.formUnion(first...last)
    }
    numbers = found.sorted()
  }

  package func contains(_ number: Int) -> Bool { numbers.contains(number) }

  /// The highest number that is accepted.
  package static let highest = 8191

  /// ASCII digits only, where `Int` would take a sign.
  private static func number(_ text: Substring) -> Int? {
    guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
      let number = Int(text), number <= highest
    else { return nil }
    return number
  }
}

extension CPUList: CustomStringConvertible {
  /// `0-3,8`, as it was read; `none` for no numbers.
  package var description: String {
    var runs: [(first: Int, last: Int)] = []
    for number in numbers {
      if let last = runs.last?.last, last + 1 == number {
        runs[runs.count - 1].last = number
      } else {
        runs.append((number, number))
      }
    }
    guard !runs.isEmpty else { return "none" }
    return runs.map { $0.first == $0.last ? "\($0.first)" : "\($0.first)-\($0.last)" }.joined(separator: ",")
  }
}
