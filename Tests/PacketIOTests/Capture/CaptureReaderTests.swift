import Dataplane
import Glibc
import PacketIO
import Testing

@Suite("Reading captures through blocks")
struct CaptureReaderTests {
  @Test(arguments: [false, true], [false, true])
  func `every packet as it was written`(isBigEndian: Bool, isNanosecond: Bool) throws {
    let directory = try TemporaryDirectory()
    let sample = CaptureBytes.sample(isBigEndian: isBigEndian, isNanosecond: isNanosecond)
    let read = try CapturePackets(directory.write(sample.bytes))
    #expect(read.error == nil && read.packets.count == 40 && read.offset == UInt64(sample.bytes.count))
    for (index, packet) in read.packets.enumerated() {
      let length = index * 37 % 401
      #expect(packet.bytes == (0..<length).map { UInt8(truncatingIfNeeded: $0 &+ index) })
      #expect(packet.originalLength == UInt32(length + (index % 5 == 0 ? 1000 : 0)))
      let fraction = UInt64(index % 3 * 300_000 + index) * (isNanosecond ? 1 : 1000)
      #expect(packet.captureTime == UInt64(1_700_000_000 + index / 3) * 1_000_000_000 + fraction)
    }
  }

  @Test func `a header without packets is a capture`() throws {
    let directory = try TemporaryDirectory()
    let read = try CapturePackets(directory.write(CaptureBytes().bytes))
    #expect(read.error == nil && read.packets.isEmpty)
  }

  @Test func `what is neither file nor pipe, or not there, is refused`() throws {
    let directory = try TemporaryDirectory()
    let refused = [
      (directory.path, "a directory"), (directory.file("none"), "cannot be opened"),
      ("/dev/null", "neither a regular file nor a pipe"),
    ]
    for (path, text) in refused {
      let error = #expect(throws: CaptureError.self) { try CapturePackets(path) }
      #expect(error?.code == .cannotOpen && error?.message.contains(text) == true && error?.file == path)
    }
    for (name, bytes) in [("empty", []), ("short", [UInt8](repeating: 0xA1, count: 3))] {
      let path = try directory.write(bytes, to: name)
      let error = #expect(throws: CaptureError.self) { try CapturePackets(path) }
      #expect(error?.code == .notACapture && error?.file == path)
    }
  }

  @Test func `records across blocks`() throws {
    let directory = try TemporaryDirectory()
    var capture = CaptureBytes()
    var random = SplitMix64(state: 5)
    var lengths: [Int] = []
    // About 3 MB: six windows or more of the smallest size.
    for index in 0..<60 {
      let length = index % 7 == 0 ? 262_144 - index : Int(random.next() % 30_000)
      lengths.append(length)
      capture.add([UInt8](repeating: UInt8(index), count: length))
    }
    let file = try directory.write(capture.bytes)
    for limit in [1, 64] {
      let read = try CapturePackets(file, burst: limit)
      #expect(read.error == nil && read.packets.map(\.bytes.count) == lengths && read.retiredBlocks > 4)
      for (index, packet) in read.packets.enumerated() {
        #expect(packet.bytes.allSatisfy { $0 == UInt8(index) }, "packet \(index)")
      }
    }
  }

  @Test func `cut at every offset: what is whole is delivered, then the place is named`() throws {
    let directory = try TemporaryDirectory()
    let sample = CaptureBytes.sample(count: 6)
    let bytes = sample.bytes
    let whole = try CapturePackets(directory.write(bytes)).packets
    let ends = Array(sample.starts.dropFirst()) + [bytes.count]
    for length in 24...bytes.count {
      let file = try directory.write(Array(bytes.prefix(length)))
      let read = try CapturePackets(file)
      let good = ends.filter { $0 <= length }.count
      #expect(read.packets == Array(whole.prefix(good)), "cut at \(length)")
      if length == 24 || ends.contains(length) {
        #expect(read.error == nil, "cut at \(length)")
        continue
      }
      let error = try #require(read.error, "cut at \(length)")
      let start = sample.starts[good]
      #expect(error.code == .truncated && error.offset == UInt64(start) && error.file == file)
      let rest = length - start
      let text =
        rest < 16
        ? "the file ends within a packet's record header: \(rest) of 16 bytes"
        : "the file ends within a packet: \(rest - 16) of \(whole[good].bytes.count) bytes"
      #expect(error.message == text, "cut at \(length)")
    }
  }

  @Test func `lengths that lie`() throws {
    let directory = try TemporaryDirectory()
    for claimed: UInt32 in [262_145, 0x7FFF_FFFF, 0x8000_0000, .max] {
      var capture = CaptureBytes.sample(count: 3)
      capture.add([UInt8](repeating: 1, count: 100), captured: claimed)
      capture.add([2])
      let read = try CapturePackets(directory.write(capture.bytes))
      #expect(read.packets.count == 3)
      let error = try #require(read.error)
      #expect(error.code == .corrupt && error.offset == UInt64(capture.starts[3]))
      #expect(error.message.contains("claims \(claimed) captured bytes"))
    }
    var long = CaptureBytes()
    long.add([1, 2, 3], captured: 5000)
    let read = try CapturePackets(directory.write(long.bytes))
    #expect(read.packets.isEmpty && read.error?.code == .truncated && read.error?.offset == 24)
  }

  @Test func `packets of no bytes and of the most bytes`() throws {
    let directory = try TemporaryDirectory()
    var capture = CaptureBytes()
    for _ in 0..<300 { capture.add([]) }
    capture.add([UInt8](repeating: 7, count: 262_144))
    capture.add([], original: 60)
    let read = try CapturePackets(directory.write(capture.bytes))
    #expect(read.error == nil && read.packets.count == 302)
    #expect(read.packets[300].bytes.count == 262_144 && read.packets[301].originalLength == 60)
  }

  @Test func `an original length below the captured one is not believed`() throws {
    let directory = try TemporaryDirectory()
    var capture = CaptureBytes()
    capture.add([UInt8](repeating: 1, count: 80), original: 5)
    let read = try CapturePackets(directory.write(capture.bytes))
    #expect(read.packets.map(\.originalLength) == [80])
  }

  @Test func `the frame check sequence is not part of the packet`() throws {
    let directory = try TemporaryDirectory()
    var capture = CaptureBytes(link: 0x2400_0001)
    capture.add([UInt8](repeating: 1, count: 64))
    capture.add([UInt8](repeating: 1, count: 60), original: 64)
    capture.add([UInt8](repeating: 1, count: 62), original: 64)
    capture.add([1, 2])
    let read = try CapturePackets(directory.write(capture.bytes))
    #expect(read.packets.map(\.bytes.count) == [60, 60, 60, 0])
    #expect(read.packets.map(\.originalLength) == [60, 60, 60, 0])
  }

  @Test func `random and mutated captures never trap`() throws {
    let directory = try TemporaryDirectory()
    var random = SplitMix64(state: 77)
    let samples = [
      CaptureBytes.sample(count: 12).bytes, CaptureBytes.sample(isBigEndian: true, count: 12).bytes,
    ]
    for round in 0..<3000 {
      var bytes = samples[round % 2]
      for _ in 0...random.next() % 6 {
        // Mostly within the first records' headers.
        let place = Int(random.next() % UInt64(random.next() & 1 == 0 ? 80 : bytes.count))
        bytes[place] = UInt8(truncatingIfNeeded: random.next())
      }
      bytes.removeLast(Int(random.next() % 3) * Int(random.next() % UInt64(bytes.count / 3)))
      let file = try directory.write(bytes)
      do throws(CaptureError) {
        let read = try CapturePackets(file)
        #expect(read.packets.reduce(24) { $0 + 16 + $1.bytes.count } <= bytes.count)
        #expect(read.error == nil || read.error?.offset != nil)
        #expect(zip(read.packets, read.packets.dropFirst()).allSatisfy { $0.time <= $1.time })
      } catch {
        #expect(error.file == file)
      }
    }
  }
}

@Suite("A capture that shrinks while it is read")
struct ShrinkingCaptureTests {
  /// Packets of 1000 bytes, all 0x31.
  private func capture(_ count: Int) -> CaptureBytes {
    var capture = CaptureBytes()
    for index in 0..<count {
      capture.add([UInt8](repeating: 0x31, count: 1000), seconds: 1_700_000_000 + UInt32(index))
    }
    return capture
  }

  /// Reads and cuts the file to `length` once 10 packets were read.
  private func read(
    _ count: Int, cutTo length: Int, burst: Int = 10, maps: Bool = false
  ) throws -> (CapturePackets, CaptureBytes) {
    let directory = try TemporaryDirectory()
    let bytes = capture(count)
    let file = try directory.write(bytes.bytes)
    var isCut = false
    let read = try CapturePackets(file, burst: burst, maps: maps) { packets in
      if packets >= 10, !isCut {
        truncate(file, length)
        isCut = true
      }
    }
    return (read, bytes)
  }

  /// Where packets vanished: far ahead, just ahead, where the reader is, before it.
  @Test(arguments: [3000, 1000, 100, 20, 12, 11, 10, 3, 0], [1, 10, 64])
  func `good packets, then an error, never a signal`(kept: Int, burst: Int) throws {
    for (excess, maps) in [(0, false), (7, false), (300, false), (0, true), (7, true), (300, true)] {
      let length = 24 + kept * 1016 + excess
      let (read, bytes) = try read(4000, cutTo: length, burst: burst, maps: maps)
      let found = read.error
      let error = try #require(found, "kept \(kept)+\(excess), bursts of \(burst)")
      #expect(error.code == .shrank, "\(error)")
      #expect(error.message.contains("shrank"))
      let offset = try #require(error.offset)
      #expect(offset >= 24 && (offset - 24) % 1016 == 0, "the offset is a record's: \(offset)")
      // Ten were read before the cut, or a burst; what stands in the file still is read after it.
      let count = read.packets.count
      // A window may show one more, that is cut, where a burst ends with it.
      #expect(count >= max(kept, 10) && count <= max(kept, 10 + burst) + (maps ? 1 : 0))
      #expect(offset >= UInt64(24 + 1016 * (count - 1)) && Int(offset) <= bytes.bytes.count)
      #expect(read.packets.allSatisfy { $0.bytes.count == 1000 }, "no packet made of lost bytes")
    }
  }

  @Test func `by a few bytes at its very end`() throws {
    let (read, _) = try read(100, cutTo: 24 + 100 * 1016 - 5)
    let found = read.error
    #expect(found?.code == .shrank && read.packets.count == 99)
    #expect(found?.offset == UInt64(24 + 99 * 1016))
  }

  @Test func `to nothing`() throws {
    let (read, _) = try read(100, cutTo: 0)
    #expect(read.error?.code == .shrank && read.packets.count == 10)
    #expect(read.error?.offset == UInt64(24 + 10 * 1016))
  }
}
