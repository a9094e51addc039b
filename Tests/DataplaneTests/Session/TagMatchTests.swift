import CLinuxPacket
import Testing

@Suite("Matching the eight tags of a bucket line")
struct TagMatchTests {
  @Test func `the portable form gives what the processor's instructions give`() {
    let tags = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 64)
    defer { tags.deallocate() }
    let line = tags.bindMemory(to: UInt16.self, capacity: 8)
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      // Few values, with both ends of the range, so that several slots match.
      for slot in 0..<8 { line[slot] = [0, 1, 0x7FFF, 0x8000, 0xFFFF].randomElement(using: &generator) ?? 0 }
      for tag: UInt16 in [0, 1, 2, 0x7FFF, 0x8000, 0xFFFF] {
        var expected: UInt32 = 0
        var pairs: UInt32 = 0
        for slot in 0..<8 where line[slot] == tag {
          expected |= 1 << UInt32(slot)
          pairs |= 3 << UInt32(2 * slot)
        }
        #expect(sluice_match_tags8_portable(line, tag) == expected)
        #expect(sluice_match_tags8(line, tag) == expected)
        #expect(sluice_tag_pairs8_portable(line, tag) == pairs)
        #expect(sluice_tag_pairs8(line, tag) == pairs)
      }
    }
  }
}
