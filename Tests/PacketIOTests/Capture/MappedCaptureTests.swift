import Dataplane
import Glibc
import PacketIO
import Testing

@Suite("A capture of long packets, which windows show")
struct MappedCaptureTests {
  /// Packets of the lengths that `length` gives, each with bytes of its own.
  private func capture(
    _ count: Int, isBigEndian: Bool = false, isNanosecond: Bool = false, length: (Int) -> Int
  ) -> (capture: CaptureBytes, packets: [[UInt8]]) {
    var capture = CaptureBytes(isBigEndian: isBigEndian, isNanosecond: isNanosecond)
    var packets: [[UInt8]] = []
    for index in 0..<count {
      let first = UInt8(truncatingIfNeeded: index), second = UInt8(truncatingIfNeeded: index >> 8)
      var packet = [UInt8](repeating: first, count: length(index))
      packet[packet.count - 1] = second
      packets.append(packet)
      capture.add(packet, seconds: 1_700_000_000, fraction: UInt32(index))
    }
    return (capture, packets)
  }

  /// How many windows of the process show the file: what the kernel says.
  private func windows(on file: String) -> Int {
    guard let maps = fopen("/proc/self/maps", "r") else { return 0 }
    defer { fclose(maps) }
    var line = [CChar](repeating: 0, count: 8192)
    var count = 0
    while fgets(&line, Int32(line.count), maps) != nil {
      if strstr(line, file) != nil { count += 1 }
    }
    return count
  }

  /// Three windows and more, whose ends fall into records.
  @Test(arguments: [false, true], [false, true])
  func `packets come as they stand in the file, from window after window`(
    isBigEndian: Bool, isNanosecond: Bool
  ) throws {
    let directory = try TemporaryDirectory()
    let (capture, packets) = capture(20_000, isBigEndian: isBigEndian, isNanosecond: isNanosecond) {
      1000 + $0 * 7 % 515
    }
    let file = try directory.write(capture.bytes)
    var most = 0
    let read = try CapturePackets(file, blockSize: CaptureReader.defaultBlockSize, maps: true) { _ in
      most = max(most, windows(on: file))
    }
    let isSame = read.packets.map(\.bytes) == packets
    #expect(isSame && read.error == nil && read.offset == UInt64(capture.bytes.count))
    let unit: UInt64 = isNanosecond ? 1 : 1000
    let times = read.packets.map(\.captureTime)
    let areSame = times == (0..<20_000).map { 1_700_000_000_000_000_000 + UInt64($0) * unit }
    #expect(areSame)
    #expect(most == 2, "a window, and for a burst the one before")
    #expect(read.retiredBlocks >= 3)
    let left = windows(on: file)
    #expect(left == 0, "all windows are let go of")
  }

  @Test func `short packets are read into blocks`() throws {
    let directory = try TemporaryDirectory()
    let (capture, packets) = capture(30_000) { _ in 64 }
    let file = try directory.write(capture.bytes)
    var most = 0
    let read = try CapturePackets(file, blockSize: CaptureReader.defaultBlockSize, maps: true) { _ in
      most = max(most, windows(on: file))
    }
    let isSame = read.packets.map(\.bytes) == packets
    #expect(isSame && most == 0)
  }

  @Test func `windows and blocks take turns as the packets' lengths do`() throws {
    let directory = try TemporaryDirectory()
    // 15 MB of long packets, 6 MB of short ones, 15 MB of long ones.
    let (capture, packets) = capture(80_000) { (10_000..<70_000).contains($0) ? 84 : 1484 }
    let file = try directory.write(capture.bytes)
    var seen: [Bool] = []
    let read = try CapturePackets(file, blockSize: CaptureReader.defaultBlockSize, maps: true) { _ in
      let isMapped = windows(on: file) > 0
      if seen.last != isMapped { seen.append(isMapped) }
    }
    let isSame = read.packets.map(\.bytes) == packets
    #expect(isSame && read.error == nil)
    #expect(seen == [false, true, false, true], "the first records are read")
  }

  /// Where in a page and in the window the file ends now; bursts of 64 packets of 1016 bytes are 16 pages.
  @Test(arguments: [64, 4096, 65_537, 1_000_000, 5_000_003, 8_388_608, 12_000_000])
  func `what vanished under a window is an error, and no packet of zeros`(kept: Int) throws {
    let directory = try TemporaryDirectory()
    let (capture, packets) = capture(16_000) { _ in 1000 }
    for burst in [1, 64, 256] {
      let file = try directory.write(capture.bytes)
      var isCut = false
      var before = 0
      let read = try CapturePackets(file, burst: burst, blockSize: CaptureReader.defaultBlockSize, maps: true)
      { count in
        guard !isCut, count >= 2000 else { return }
        truncate(file, kept)
        (isCut, before) = (true, count)
      }
      let found = read.error
      let error = try #require(found, "kept \(kept), bursts of \(burst)")
      #expect(
        error.code == .shrank && error.message.hasPrefix("the file shrank from 16256024 to \(kept) bytes"))
      let whole = max(before, (kept - 24) / 1016)
      // The last one may have been cut, where a burst ends with it.
      #expect(read.packets.count == whole || read.packets.count == whole + 1)
      #expect(error.offset == UInt64(24 + 1016 * read.packets.count))
      let isSame = read.packets.prefix(whole).map(\.bytes) == Array(packets.prefix(whole))
      #expect(isSame)
      let left = windows(on: file)
      #expect(left == 0)
    }
  }

  @Test func `times do not run ahead of what is handed out`() throws {
    let directory = try TemporaryDirectory()
    let (capture, _) = capture(4000) { _ in 1000 }
    let file = try directory.write(capture.bytes)
    let read = try CapturePackets(
      file, blockSize: CaptureReader.defaultBlockSize, maps: true, start: 1_700_000_000_000_000_000
    ) {
      if $0 >= 1000 { truncate(file, 1_500_000) }
    }
    #expect(read.error?.code == .shrank)
    let jumps = read.clock.jumps, reversals = read.clock.reversals
    #expect(jumps == 0 && reversals == 0, "zeros were timed")
  }

  @Test func `a capture is replayed once more after windows`() throws {
    let directory = try TemporaryDirectory()
    let (capture, _) = capture(4000) { _ in 1000 }
    let file = try directory.write(capture.bytes)
    let reader = try CaptureReader(file: file, lif: 1, port: 0)
    var clock = ReplayClock(start: .zero)
    for _ in 0..<3 {
      var count = 0
      var burst = PacketBurst()
      repeat {
        burst.removeAll()
        reader.retired.removeAll()
        burst.fill { places in reader.fill(places, clock: &clock) }
        count += burst.count
      } while !burst.isEmpty
      #expect(count == 4000 && reader.error == nil)
      reader.rewind()
    }
  }
}
