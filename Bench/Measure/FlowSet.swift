import Dataplane

/// Random TCP 5-tuples as they lie in headers: what `fill_key` of `peers/rte_hash_bench.c` makes.
struct FlowSet: ~Copyable {
  let isIPv6: Bool
  let count: UInt32
  private let words: HugeBuffer<UInt32>

  /// Bytes of a tuple.
  var tupleSize: Int { isIPv6 ? TupleBurst.byteCount6 : TupleBurst.byteCount4 }
  private var wordsPerTuple: Int { tupleSize / 4 }
  private var addressWords: Int { isIPv6 ? 8 : 2 }

  init(count: UInt32, isIPv6: Bool, _ random: inout SplitMix64) throws(OutOfMemory) {
    self.isIPv6 = isIPv6
    self.count = count
    let size = isIPv6 ? TupleBurst.byteCount6 : TupleBurst.byteCount4
    words = try HugeBuffer(count: Int(count) * size / 4)
    for flow in 0..<Int(count) {
      let first = flow * wordsPerTuple
      for word in 0...addressWords { words[first + word] = UInt32(truncatingIfNeeded: random.next()) }
      words[first + addressWords + 1] = 6
    }
  }

  /// The first tuple.
  @unsafe var start: UnsafeRawPointer { unsafe UnsafeRawPointer(words.start) }

  /// The tuples of `order`, one after another.
  func stream(_ order: borrowing HugeBuffer<UInt32>) throws(OutOfMemory) -> HugeBuffer<UInt32> {
    let stream = try HugeBuffer<UInt32>(count: order.count * wordsPerTuple)
    for index in 0..<order.count {
      let first = Int(order[index]) * wordsPerTuple
      for word in 0..<wordsPerTuple { stream[index * wordsPerTuple + word] = words[first + word] }
    }
    return stream
  }

  /// The session of flow `index`, from its sender to its receiver; the server chooses its id.
  func request(_ index: UInt32) -> SessionRequest {
    SessionRequest(id: .unassigned, tuple: tuple(index), action: .forward, cacheTimeout: 3600)
  }

  private func tuple(_ index: UInt32) -> FiveTuple {
    let first = Int(index) * wordsPerTuple
    let ports = UInt32(bigEndian: words[first + addressWords])
    return FiveTuple(
      source: address(first), sourcePort: UInt16(ports >> 16), destination: address(first + addressWords / 2),
      destinationPort: UInt16(truncatingIfNeeded: ports), transport: .tcp)
  }

  private func address(_ word: Int) -> IPAddress {
    guard isIPv6 else { return IPAddress(ipv4: UInt32(bigEndian: words[word])) }
    func half(_ word: Int) -> UInt64 {
      UInt64(UInt32(bigEndian: words[word])) << 32 | UInt64(UInt32(bigEndian: words[word + 1]))
    }
    return IPAddress(ipv6High: half(word), low: half(word + 2))
  }
}
