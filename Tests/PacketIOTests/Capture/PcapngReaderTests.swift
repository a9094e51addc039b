import Dataplane
import PacketIO
import Testing

@Suite("Reading pcapng (draft-ietf-opsawg-pcapng)")
struct PcapngReaderTests {
  private typealias Option = PcapngBytes.Option

  private func read(_ capture: PcapngBytes, blockSize: Int = 1) throws -> CapturePackets {
    let directory = try TemporaryDirectory()
    return try CapturePackets(directory.write(capture.bytes), blockSize: blockSize)
  }

  private func refusal(_ bytes: [UInt8]) throws -> CaptureError? {
    let directory = try TemporaryDirectory()
    let file = try directory.write(bytes)
    do throws(CaptureError) {
      return try CapturePackets(file).error
    } catch { return error }
  }

  @Test(arguments: [false, true])
  func `enhanced, simple and obsolete packets, all else passed over`(isBigEndian: Bool) throws {
    let sample = PcapngBytes.sample(isBigEndian: isBigEndian)
    let read = try read(sample)
    #expect(read.error == nil && read.packets.count == 40 && read.offset == UInt64(sample.bytes.count))
    var lastTime: UInt64 = 0
    for (index, packet) in read.packets.enumerated() {
      let length = index * 37 % 401
      #expect(packet.bytes == (0..<length).map { UInt8(truncatingIfNeeded: $0 &+ index) })
      let isEnhanced = index % 7 <= 3
      #expect(packet.originalLength == UInt32(length + (isEnhanced && index % 5 == 0 ? 1000 : 0)))
      let seconds = UInt64(1_700_000_000 + index / 3) * 1_000_000_000
      let time =
        switch index % 7 {
        case 0...3: seconds + UInt64(index)
        case 4, 5: seconds + UInt64(index) * 1000
        default: lastTime
        }
      #expect(packet.captureTime == time, "packet \(index)")
      lastTime = time
    }
  }

  @Test func `a section alone is a capture without packets`() throws {
    var capture = PcapngBytes()
    capture.section()
    let read = try read(capture)
    #expect(read.error == nil && read.packets.isEmpty)
  }

  @Test func `what lies between packets, however long, is read through the same few blocks`() throws {
    var capture = PcapngBytes()
    capture.section()
    capture.interface()
    capture.enhanced([1])
    for _ in 0..<500 { capture.block(0x7777, []) }
    capture.enhanced([2])
    let read = try read(capture)
    #expect(read.error == nil && read.packets.map(\.bytes) == [[1], [2]])
    // Only blocks that packets were handed out from wait until nobody uses them.
    #expect(read.retiredBlocks <= 2)
  }

  @Test func `sections of either byte order after each other, with interfaces counted anew`() throws {
    let big = PcapngBytes.sample(isBigEndian: true), little = PcapngBytes.sample()
    let directory = try TemporaryDirectory()
    let file = try directory.write(big.bytes + little.bytes + big.bytes)
    let read = try CapturePackets(file)
    let one = try self.read(little)
    #expect(read.error == nil && read.packets.count == 120)
    #expect(
      read.packets.map(\.bytes) == one.packets.map(\.bytes) + one.packets.map(\.bytes)
        + one.packets.map(\.bytes))
    // The same interfaces in each: of one number and link type.
    #expect(try CaptureReader(file: file).interfaces.map(\.linkNumber) == [1, 113])
  }

  @Test func `each interface has its port, link and clock`() throws {
    var capture = PcapngBytes()
    capture.section()
    capture.interface(link: 1)
    capture.interface(link: 101, [Option(code: 9, value: [0x8A])])
    capture.enhanced([1], interface: 1, ticks: 3 << 10 | 512)
    capture.enhanced([2], interface: 0, ticks: 4_000_000)
    // Described after packets; a file is looked through for such ones.
    capture.interface(link: 276, [Option(code: 9, value: [3]), Option(code: 14, value: capture.double(5))])
    capture.enhanced([3], interface: 2, ticks: 7)
    let directory = try TemporaryDirectory()
    let reader = try CaptureReader(file: directory.write(capture.bytes))
    #expect(reader.interfaces.map(\.linkNumber) == [1, 101, 276])
    try reader.assign(.each((10...12).map { Arrival(lif: $0, port: UInt8($0) - 10) }))
    var clock = ReplayClock(start: .zero)
    var burst = PacketBurst(limit: 8)
    while !burst.isFull {
      let before = burst.count
      burst.fill { places in reader.fill(places, clock: &clock) }
      if burst.count == before { break }
    }
    #expect(reader.error == nil && burst.count == 3)
    #expect((0..<burst.count).map { burst.lif($0) } == [11, 10, 12])
    #expect((0..<burst.count).map { burst.port($0) } == [1, 0, 2])
    #expect((0..<burst.count).map { burst.link($0) } == [.rawIP, .ethernet, .linuxCooked2])
    #expect((0..<burst.count).map { burst.captureTime($0) } == [3_500_000_000, 4_000_000_000, 5_007_000_000])
  }

  @Test func `a frame check sequence is left out, in bits or in octets`() throws {
    for octets: [UInt8] in [[32], [4]] {
      var capture = PcapngBytes()
      capture.section()
      capture.interface([Option(code: 13, value: octets)])
      capture.enhanced([UInt8](repeating: 1, count: 64))
      capture.enhanced([UInt8](repeating: 1, count: 62), original: 64)
      capture.enhanced([1, 2])
      let read = try read(capture)
      #expect(
        read.packets.map(\.bytes.count) == [60, 60, 0] && read.packets.map(\.originalLength) == [60, 60, 0])
    }
  }

  @Test func `a simple packet is cut to the snap length, an original length below the kept one not believed`()
    throws
  {
    var capture = PcapngBytes()
    capture.section()
    capture.interface(snapLength: 6)
    capture.simple([1, 2, 3, 4, 5, 6], original: 300_000)
    capture.simple([1, 2, 3])
    capture.enhanced([UInt8](repeating: 9, count: 20), original: 3)
    let read = try read(capture)
    #expect(read.error == nil && read.packets.map(\.bytes.count) == [6, 3, 20])
    #expect(read.packets.map(\.originalLength) == [300_000, 3, 20])
  }

  @Test func `packets of the most bytes, blocks longer than memory, empty blocks`() throws {
    var capture = PcapngBytes()
    capture.section(
      [Option](repeating: Option(code: 1, value: [UInt8](repeating: 65, count: 60_000)), count: 20))
    capture.interface()
    capture.block(4, [UInt8](repeating: 1, count: 3_000_000))
    capture.enhanced(
      [UInt8](repeating: 7, count: 262_144), [Option(code: 1, value: [UInt8](repeating: 65, count: 65_000))])
    for _ in 0..<1000 { capture.block(0x0BAD, []) }
    capture.enhanced([])
    for blockSize in [1, 128 << 10] {
      let read = try read(capture, blockSize: blockSize)
      #expect(read.error == nil && read.packets.map(\.bytes.count) == [262_144, 0])
    }
  }

  @Test(arguments: [false, true])
  func `any size of blocks and bursts gives the same packets`(isBigEndian: Bool) throws {
    let directory = try TemporaryDirectory()
    let file = try directory.write(PcapngBytes.sample(isBigEndian: isBigEndian, count: 200).bytes)
    let whole = try CapturePackets(file, burst: 256, blockSize: 1 << 19)
    #expect(whole.packets.count == 200)
    for blockSize in [1, 16, 17, 100, 999, 4096, 65_536] {
      for burst in [1, 7, 64] {
        let read = try CapturePackets(file, burst: burst, blockSize: blockSize)
        #expect(
          read.error == nil && read.packets == whole.packets, "blocks of \(blockSize), bursts of \(burst)")
      }
    }
  }

  @Test func `cut at every offset: what is whole is delivered, then the place is named`() throws {
    let directory = try TemporaryDirectory()
    let sample = PcapngBytes.sample(count: 8)
    let bytes = sample.bytes
    let whole = try CapturePackets(directory.write(bytes)).packets
    let ends = Array(sample.starts.dropFirst()) + [bytes.count]
    let isPacket = sample.starts.map { [2, 3, 6].contains(bytes[$0]) }
    for length in 4...bytes.count {
      let file = try directory.write(Array(bytes.prefix(length)))
      let good = ends.filter { $0 <= length }.count
      let count = isPacket.prefix(good).filter { $0 }.count
      var found: CaptureError?
      do throws(CaptureError) {
        let read = try CapturePackets(file)
        #expect(read.packets == Array(whole.prefix(count)), "cut at \(length)")
        found = read.error
      } catch {
        #expect(count == 0, "cut at \(length)")
        found = error
      }
      if ends.contains(length) {
        #expect(found == nil, "cut at \(length)")
      } else {
        let error = try #require(found, "cut at \(length)")
        #expect(
          error.code == .truncated && error.offset == UInt64(sample.starts[good]),
          "cut at \(length): \(error)")
        #expect(error.message.hasPrefix("the file ends within a block"))
      }
    }
  }

  @Test func `what contradicts itself is refused where it stands`() throws {
    func broken(_ text: String, _ code: CaptureError.Code = .corrupt, _ add: (inout PcapngBytes) -> Void)
      throws
    {
      var capture = PcapngBytes()
      capture.section()
      capture.interface(snapLength: 64)
      add(&capture)
      let found = try refusal(capture.bytes)
      let error = try #require(found, "\(text)")
      #expect(error.code == code && error.offset == UInt64(capture.starts[2]), "\(error)")
      #expect(error.message.contains(text), "\(error)")
    }
    try broken("claims 13 bytes") { $0.block(5, [0, 0, 0, 0], length: 13) }
    try broken("claims 0 bytes") { $0.block(5, [], length: 0) }
    try broken("claims 8 bytes") { $0.block(0x99, [], length: 8) }
    try broken("claims 16 bytes") { $0.block(1, [0, 0, 0, 0]) }
    try broken("claims 28 bytes") { $0.block(6, [UInt8](repeating: 0, count: 16)) }
    try broken("12 bytes by its beginning and 16 by its end") { $0.block(5, [], end: 16) }
    try broken("by its end") { $0.block(0x99, [UInt8](repeating: 0, count: 2_000_000), end: 4) }
    try broken("within a block of 4294967292 bytes", .truncated) { $0.block(0x99, [], length: 4_294_967_292) }
    try broken("more than the limit of 524288") { $0.block(6, [], length: 600_000) }
    try broken("more than the limit of 524288") { $0.block(1, [], length: 4_294_967_292) }
    try broken("interface 1, but its section describes 1") { $0.enhanced([1], interface: 1) }
    try broken("interface 4294967295") { $0.enhanced([1], interface: .max) }
    try broken("claims 9 captured bytes, more than its block of 36") { $0.enhanced([1, 2, 3], captured: 9) }
    try broken("more than the limit of 262144") { $0.enhanced([1, 2, 3], captured: .max) }
    try broken("more than its block of 20") { $0.simple([1, 2, 3], original: 10) }
    try broken("byte-order magic is 0x1020304") {
      $0.block(0x0A0D_0D0A, [1, 2, 3, 4] + [UInt8](repeating: 0, count: 12))
    }
    try broken("pcapng version 2", .notACapture) { $0.section(version: 2) }
    try broken("runs past its block") {
      $0.block(1, $0.half(1) + $0.half(0) + $0.word(0) + $0.half(9) + $0.half(5))
    }
    try broken("option 9 of an interface has 4 bytes") {
      $0.interface([Option(code: 9, value: [6, 0, 0, 0])])
    }
    try broken("option 14 of an interface has 1 bytes") { $0.interface([Option(code: 14, value: [6])]) }
  }

  @Test func `more interfaces than there are ports are refused`() throws {
    var capture = PcapngBytes()
    capture.section()
    for _ in 0..<256 { capture.interface() }
    capture.enhanced([1], interface: 255)
    #expect(try refusal(capture.bytes) == nil)
    capture.interface()
    let found = try refusal(capture.bytes)
    let error = try #require(found)
    #expect(error.code == .corrupt && error.offset == UInt64(capture.bytes.count - 20))
    #expect(error.message.contains("more than 256 interfaces"))
  }

  @Test func `a new interface of another link type does not fit on a port of all`() throws {
    let directory = try TemporaryDirectory()
    let file = try directory.write(PcapngBytes.sample().bytes)
    let reader = try CaptureReader(file: file)
    let error = #expect(throws: CaptureError.self) { try reader.assign(.all(Arrival(lif: 1, port: 0))) }
    #expect(error?.message.contains("link types 1 and 113") == true)
  }

  @Test func `random and mutated captures never trap`() throws {
    let directory = try TemporaryDirectory()
    var random = SplitMix64(state: 78)
    let samples = [
      PcapngBytes.sample(count: 12).bytes, PcapngBytes.sample(isBigEndian: true, count: 12).bytes,
    ]
    for round in 0..<3000 {
      var bytes = samples[round % 2]
      for _ in 0...random.next() % 6 {
        let place = Int(random.next() % UInt64(random.next() & 1 == 0 ? 160 : bytes.count))
        bytes[place] = random.next() & 3 == 0 ? 0xFF : UInt8(truncatingIfNeeded: random.next())
      }
      bytes.removeLast(Int(random.next() % 3) * Int(random.next() % UInt64(bytes.count / 3)))
      let file = try directory.write(bytes)
      do throws(CaptureError) {
        let read = try CapturePackets(file)
        #expect(read.packets.reduce(0) { $0 + 16 + $1.bytes.count } <= bytes.count)
        #expect(read.error == nil || read.error?.offset != nil)
        #expect(zip(read.packets, read.packets.dropFirst()).allSatisfy { $0.time <= $1.time })
      } catch {
        #expect(error.file == file)
      }
    }
  }
}
