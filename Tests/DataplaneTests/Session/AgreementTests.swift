import CLinuxPacket
import Testing

@Suite("Comparing a record's first words with a key's")
struct AgreementTests {
  private static let wanted: UInt64 = 3 << 56
  private static let ignored: UInt64 = 0xFCFF << 48

  /// Whether both forms, which agree, say that the words agree.
  private func agree(_ left: (UInt64, UInt64), _ right: (UInt64, UInt64)) -> Bool {
    withUnsafeBytes(of: left) { left in
      withUnsafeBytes(of: right) { right in
        guard let left = left.baseAddress, let right = right.baseAddress else { return false }
        let answer = sluice_agree(left, right, Self.wanted, Self.ignored)
        #expect(answer == sluice_agree_portable(left, right, Self.wanted, Self.ignored))
        return answer
      }
    }
  }

  @Test func `each bit counts as it should`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let words = (generator.next() as UInt64, generator.next() as UInt64)
      #expect(agree(words, words))
      for bit in 0..<64 {
        let mask: UInt64 = 1 << bit
        #expect(!agree((words.0 ^ mask, words.1), words), "bit \(bit) of the first word")
        let isFree = Self.ignored & mask != 0 || (Self.wanted & mask != 0 && words.1 & mask == 0)
        #expect(agree((words.0, words.1 ^ mask), words) == isFree, "bit \(bit) of the second word")
      }
    }
  }
}
