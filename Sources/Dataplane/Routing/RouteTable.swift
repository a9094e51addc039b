/// Where packets to an address go: own addresses, networks of ports, static routes. Longest prefix first.
///
/// Fixed once a worker has started. All prefixes together cut the addresses of a family into ranges with one
/// answer each, at most two a prefix and one more: a binary search finds it, with no second look at shorter
/// prefixes.
package struct RouteTable: ~Copyable {
  package enum Kind: UInt8, Sendable, BitwiseCopyable {
    case none
    /// One of our own addresses.
    case local
    /// The first or last address of an IPv4 network. RFC 1812 §4.2.3.1, §5.3.5.
    case broadcast
    /// In a port's network: the destination is the next hop.
    case connected
    case router
  }

  /// The answer for an address.
  package struct Entry: Hashable, Sendable, BitwiseCopyable {
    package var kind: Kind
    /// LIF number of the port, 0 for none.
    package var lif: UInt16
    /// Of kind `router`: it.
    package var router: IPAddress

    package static let none = Entry(kind: .none)

    package init(kind: Kind, lif: UInt16 = 0, router: IPAddress = IPAddress(ipv4: 0)) {
      self.kind = kind
      self.lif = lif
      self.router = router
    }

    /// The next hop on the way to `destination`.
    package func nextHop(to destination: IPAddress) -> IPAddress { kind == .router ? router : destination }
  }

  /// A prefix with its answer.
  package struct Rule: BitwiseCopyable, Sendable {
    package var prefix: IPPrefix
    package var entry: Entry

    package init(prefix: IPPrefix, entry: Entry) {
      self.prefix = prefix
      self.entry = entry
    }
  }

  private let ranges4: RouteRanges
  private let ranges6: RouteRanges
  /// All rules, longest prefix first, for questions about one port.
  private var rules: SlotArray<Rule>
  private let ruleCount: Int

  /// - Parameter rules: of several for one prefix the first one counts.
  package init(_ rules: [Rule]) {
    var seen: Set<IPPrefix> = []
    let unique = rules.filter { seen.insert($0.prefix).inserted }
    ranges4 = RouteRanges(unique.filter { $0.prefix.first.family == .ipv4 })
    ranges6 = RouteRanges(unique.filter { $0.prefix.first.family == .ipv6 })
    // Sorted stably: of the rules for one prefix the first one comes first.
    let sorted = rules.enumerated().sorted { left, right in
      (right.element.prefix.length, left.offset) < (left.element.prefix.length, right.offset)
    }
    ruleCount = sorted.count
    self.rules = SlotArray(count: sorted.count)
    for (index, rule) in sorted.enumerated() { self.rules[UInt32(index)] = rule.element }
  }

  /// The entry of the longest prefix that contains `address`; of kind `none` without one.
  package func find(_ address: IPAddress) -> Entry {
    address.family == .ipv4 ? ranges4.find(address.number) : ranges6.find(address.number)
  }

  /// The same among the entries of one port, for packets of which a session says by which port they leave.
  package func find(_ address: IPAddress, by lif: UInt16) -> Entry {
    let found = find(address)
    if found.kind == .none || found.lif == lif { return found }
    return search(address, by: lif)
  }

  @inline(never)
  private func search(_ address: IPAddress, by lif: UInt16) -> Entry {
    for index in 0..<ruleCount {
      let rule = rules[UInt32(index)]
      if rule.entry.lif == lif, rule.prefix.contains(address) { return rule.entry }
    }
    return .none
  }
}

/// The ranges of one family, by their first addresses.
private struct RouteRanges: ~Copyable {
  private var starts: SlotArray<UInt128>
  private var entries: SlotArray<RouteTable.Entry>
  /// At least 1: the first range starts at 0.
  private let count: Int

  /// - Parameter rules: of one family, each prefix once.
  init(_ rules: [RouteTable.Rule]) {
    var starts: [UInt128] = [0]
    var entries: [RouteTable.Entry] = [.none]
    func begin(_ start: UInt128, _ entry: RouteTable.Entry) {
      if starts[starts.count - 1] == start {
        entries[entries.count - 1] = entry
      } else {
        starts.append(start)
        entries.append(entry)
      }
    }
    // Prefixes around the present address, the longest last.
    var around: [(last: UInt128, entry: RouteTable.Entry)] = []
    func leave() {
      let last = around.removeLast().last
      if last < .max { begin(last + 1, around.last?.entry ?? .none) }
    }
    let sorted = rules.sorted {
      ($0.prefix.first.number, $0.prefix.length) < ($1.prefix.first.number, $1.prefix.length)
    }
    for rule in sorted {
      while let inner = around.last, inner.last < rule.prefix.first.number { leave() }
      begin(rule.prefix.first.number, rule.entry)
      around.append((rule.prefix.lastNumber, rule.entry))
    }
    while !around.isEmpty { leave() }
    count = starts.count
    self.starts = SlotArray(count: count)
    self.entries = SlotArray(count: count)
    for index in 0..<count {
      self.starts[UInt32(index)] = starts[index]
      self.entries[UInt32(index)] = entries[index]
    }
  }

  func find(_ number: UInt128) -> RouteTable.Entry {
    var low = 0
    var high = count
    // The last range that starts at or before the number.
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[UInt32(middle)] <= number { low = middle } else { high = middle }
    }
    return entries[UInt32(low)]
  }
}

extension IPAddress {
  fileprivate var number: UInt128 { UInt128(high) << 64 | UInt128(low) }
}

extension IPPrefix {
  /// The last address of the range.
  fileprivate var lastNumber: UInt128 {
    let width = first.family == .ipv4 ? 32 : 128
    let behind = width - length
    return first.number | (behind == 128 ? .max : (1 << UInt128(behind)) - 1)
  }
}
