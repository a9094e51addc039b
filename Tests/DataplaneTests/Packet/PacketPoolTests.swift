import Dataplane
import Testing

@Suite("Packet pool")
struct PacketPoolTests {
  private func array(_ bytes: RawSpan) -> [UInt8] { (0..<bytes.byteCount).map { bytes.loadByte(at: $0) } }

  /// `#require` wants values that can be copied.
  private func pool(capacity: Int, packetSize: Int) throws -> PacketPool {
    guard let pool = PacketPool(capacity: capacity, packetSize: packetSize) else {
      throw WorkerError.outOfMemory
    }
    return pool
  }

  private func buffer(of pool: inout PacketPool) throws -> PacketBuffer {
    let buffer = pool.allocate()
    return try #require(buffer)
  }

  @Test func `each buffer once, and again after its release`() throws {
    var pool = try pool(capacity: 100, packetSize: 1500)
    var taken: [PacketBuffer] = []
    while let buffer = pool.allocate() { taken.append(buffer) }
    let left = pool.available
    #expect(Set(taken.map(\.index)) == Set(0..<100) && left == 0)
    for buffer in taken.shuffled() { pool.release(buffer) }
    let all = pool.available
    #expect(all == 100)
    var again: Set<UInt32> = []
    while let buffer = pool.allocate() { again.insert(buffer.index) }
    #expect(again.count == 100)
  }

  @Test func `a burst's buffers at once, with bytes in them`() throws {
    var pool = try pool(capacity: 100, packetSize: 200)
    let numbers = FixedArray<UInt32>(repeating: 0)
    for (wanted, expected) in [(64, 64), (64, 36), (1, 0), (0, 0)] {
      let before = pool.available
      let count = pool.allocate(wanted, into: numbers)
      let after = pool.available
      #expect(count == expected && after == before - count)
    }
    let first = FixedArray<UInt32>(repeating: 0)
    let second = FixedArray<UInt32>(repeating: 0)
    var other = try self.pool(capacity: 100, packetSize: 200)
    let counts = [other.allocate(60, into: first), other.allocate(60, into: second)]
    let taken = (0..<60).map { first[$0] } + (0..<40).map { second[$0] }
    #expect(counts == [60, 40] && Set(taken) == Set(0..<100))
    // Each has its own bytes, behind the headroom.
    let addresses = taken.enumerated().map { place, number in
      [UInt8](repeating: UInt8(place), count: 200).withUnsafeBytes { bytes in
        bytes.baseAddress.map { other.fill(number, from: $0, count: 200) }
      }
    }
    for (place, number) in taken.enumerated() {
      var buffer = PacketBuffer.none
      buffer.index = number
      buffer.offset = UInt32(PacketPool.headroom)
      buffer.length = 200
      let bytes = other.bytes(buffer)
      let isThere = bytes.withUnsafeBytes { $0.baseAddress } == addresses[place]
      let isRight = (0..<200).allSatisfy { bytes.loadByte(at: $0) == UInt8(place) }
      #expect(isThere && isRight)
    }
    other.release(40, of: second)
    other.release(60, of: first)
    let all = other.available
    #expect(all == 100)
    var again: Set<UInt32> = []
    while let buffer = other.allocate() { again.insert(buffer.index) }
    #expect(again.count == 100)
  }

  @Test func `bytes behind and before, until the room is used up`() throws {
    var pool = try pool(capacity: 3, packetSize: 200)
    let size = pool.packetSize
    #expect(size >= 200)
    var buffers = (0..<3).compactMap { _ in pool.allocate() }
    for index in 0..<3 {
      let packet = [UInt8](repeating: UInt8(index + 1), count: 200)
      let isIn = pool.append(packet.span.bytes, to: &buffers[index])
      let count = pool.bytes(buffers[index]).byteCount
      #expect(isIn && count == 200)
      var room = PacketPool.headroom
      while room >= 32 {
        let isDone = pool.prepend(32, to: &buffers[index])
        #expect(isDone)
        room -= 32
      }
      let before = buffers[index]
      let isTooMuch = pool.prepend(room + 1, to: &buffers[index])
      #expect(!isTooMuch && before.length == buffers[index].length && before.offset == buffers[index].offset)
      var header = pool.mutableBytes(buffers[index])
      for place in 0..<PacketPool.headroom {
        header.storeBytes(of: 0xF0 + UInt8(index), toByteOffset: place, as: UInt8.self)
      }
    }
    for index in 0..<3 {
      let expected =
        [UInt8](repeating: 0xF0 + UInt8(index), count: PacketPool.headroom)
        + [UInt8](repeating: UInt8(index + 1), count: 200)
      let found = array(pool.bytes(buffers[index]))
      #expect(found == expected, "buffers do not overlap")
    }
  }

  @Test func `tailroom takes a trailer, and no more`() throws {
    var pool = try pool(capacity: 1, packetSize: 100)
    var buffer = try buffer(of: &pool)
    let packet = [UInt8](repeating: 1, count: pool.packetSize)
    let isIn = pool.append(packet.span.bytes, to: &buffer)
    let hasTrailer = pool.extend(PacketPool.tailroom, &buffer)
    let before = buffer.length
    let isMore = pool.extend(1, &buffer)
    let isAppended = pool.append([UInt8](repeating: 0, count: 1).span.bytes, to: &buffer)
    #expect(isIn && hasTrailer && !isMore && !isAppended && buffer.length == before)
  }

  @Test func `the largest and the smallest sizes`() throws {
    var large = try pool(capacity: 2, packetSize: 1_000_000)
    let largest = large.packetSize
    #expect(largest >= 262_144 && largest < 262_300)
    var buffer = try buffer(of: &large)
    let isIn = large.append([UInt8](repeating: 3, count: 262_144).span.bytes, to: &buffer)
    let isTooLong = large.append([UInt8](repeating: 3, count: 1000).span.bytes, to: &buffer)
    #expect(isIn && !isTooLong)
    let small = try pool(capacity: 0, packetSize: 0)
    let (capacity, size) = (small.capacity, small.packetSize)
    #expect(capacity == 1 && size >= 64)
  }
}

@Suite("Fixed memory of a worker")
struct FixedMemoryTests {
  @Test func `indices of a fixed array wrap at 256`() {
    var values = FixedArray<Int>(repeating: -1)
    for index in 0..<256 { values[index] = index }
    var isKept = true
    for index in 0..<256 where values[index] != index { isKept = false }
    #expect(isKept)
    values[256] = 1000
    values[-1] = 2000
    let found = [values[0], values[255], values[511], values[1]]
    #expect(found == [1000, 2000, 2000, 1])
  }

  @Test(arguments: [1, 4096, 100_000, 2 << 20, (2 << 20) + 1, 9 << 20])
  func `mapped memory is zeroed, aligned and wholly usable`(byteCount: Int) throws {
    let start = try #require(unsafe HugeMemory.map(byteCount: byteCount))
    #expect(UInt(bitPattern: start) % UInt(HugeMemory.pageSize) == 0)
    let bytes = UnsafeMutableRawBufferPointer(start: start, count: byteCount)
    #expect(bytes[0] == 0 && bytes[byteCount / 2] == 0 && bytes[byteCount - 1] == 0)
    bytes[0] = 1
    bytes[byteCount - 1] = 2
    unsafe HugeMemory.unmap(start, byteCount: byteCount)
  }

  private func outOfReach() throws {
    guard PacketPool(capacity: 1 << 44, packetSize: 65_000) != nil else { throw WorkerError.outOfMemory }
  }

  @Test func `memory that the kernel does not have is refused`() {
    #expect(unsafe HugeMemory.map(byteCount: 1 << 60) == nil)
    var isRefused = false
    do { _ = try outOfReach() } catch { isRefused = true }
    #expect(isRefused)
  }
}
