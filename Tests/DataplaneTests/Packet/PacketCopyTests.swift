import CLinuxPacket
import Testing

@Suite("Copying packets")
struct PacketCopyTests {
  @Test func `exactly the bytes of every length`() {
    let from = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 1) }
    for count in 0...200 {
      for shift in [0, 1, 15] {
        var to = [UInt8](repeating: 0, count: 300)
        from.withUnsafeBytes { source in
          to.withUnsafeMutableBytes { target in
            guard let source = source.baseAddress, let target = target.baseAddress else { return }
            sluice_copy_packet(target + 20, source + shift, count)
          }
        }
        let before = to.prefix(20).allSatisfy { $0 == 0 }
        let behind = to.dropFirst(20 + count).allSatisfy { $0 == 0 }
        #expect(before && behind && to[20..<20 + count].elementsEqual(from[shift..<shift + count]))
      }
    }
  }
}
