import CLinuxPacket
import Glibc
import Testing

/// How many units of a receive ring wait, in rings that are made here in place of the kernel's.
@Suite struct RingFillTests {
  @Test(arguments: [2, 3] as [Int32])
  func unitsThatWaitAreCounted(version: Int32) {
    let units: UInt32 = 7
    for taken in 0...units {
      for ready in 0...units - taken {
        for position in 0..<units {
          #expect(
            waiting(version: version, units: units, taken: taken, ready: ready, position: position) == ready,
            "\(ready) from \(position) on, \(taken) taken")
        }
      }
    }
  }

  /// What is found when so many units from `position` on have been filled, and those before are ours.
  private func waiting(version: Int32, units: UInt32, taken: UInt32, ready: UInt32, position: UInt32)
    -> UInt32
  {
    let size = 128
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: Int(units) * size)
    defer { unsafe memory.deallocate() }
    unsafe memory.initialize(repeating: 0, count: Int(units) * size)
    // Where the status is: TPACKET_V3's block descriptor begins with version and offset.
    let offset = version == 3 ? 8 : 0
    for step in 0..<ready + taken {
      let unit = Int((position + units - taken + step) % units)
      unsafe UnsafeMutableRawPointer(memory + unit * size)
        .storeBytes(of: UInt32(TP_STATUS_USER), toByteOffset: offset, as: UInt32.self)
    }
    var ring = unsafe sluice_ring()
    unsafe ring.version = version
    unsafe ring.memory = memory
    unsafe ring.unit_size = UInt32(size)
    unsafe ring.units = units
    unsafe ring.position = position
    unsafe ring.taken = taken
    return unsafe sluice_ring_waiting(&ring)
  }

  @Test func aRingWithoutMemoryHasNone() {
    var ring = unsafe sluice_ring()
    unsafe ring.units = 4
    #expect(unsafe sluice_ring_waiting(&ring) == 0)
  }
}
