import Dataplane
import Glibc
import PacketIO
import Testing

/// One or several workers that replay captures, with what they wrote.
private struct ReplayRun {
  let counts: Counts
  let error: CaptureError?
  let progress: ReplayProgress

  /// - Parameter paths: the directory that each worker writes into; nil for no writing.
  init(
    _ files: [String], workers: Int = 1, blockSize: Int = 16 << 10,
    paths: (@Sendable (Int) -> String)? = nil
  ) throws {
    let sources = try ReplaySources(
      files.enumerated().map { .init(file: $1, lif: UInt16($0) + 1, port: UInt8($0)) }, blockSize: blockSize
    )
    let progress = sources.makeProgress()
    let format = sources.format
    var setup = WorkerRun.setup(workers: workers)
    // One capture in, one out: a LIF alone is its own peer.
    if files.count == 1 { setup.ports[0].peer = 1 }
    setup.start = sources.firstTime() ?? .zero
    let fixed = setup
    let threads = try (0..<workers).map { index in
      try WorkerThread(name: "test-replay") {
        guard var worker = try? Worker(fixed, index: index, events: nil) else { return }
        let path = paths?(index)
        var queue = ReplayQueue(
          index == 0 ? sources : nil, worker: index, setup: fixed, progress: progress,
          writer: path.map { CaptureWriterSet(directory: $0, format: format, keepsOrder: workers > 1) })
        WorkerLoop(fixed, commands: CommandRing()).run(&worker, &queue)
      }
    }
    for thread in threads { thread.join() }
    counts = Counts(setup.counters)
    counts.expectEquations()
    error = progress.error
    self.progress = progress
  }
}

@Suite("Replaying captures, and writing them again")
struct ReplayQueueTests {
  /// A capture of Ethernet packets of many flows, several windows long.
  private func capture(
    _ count: Int = 5000, isBigEndian: Bool = false, isNanosecond: Bool = false, seed: UInt64 = 3,
    firstSecond: UInt32 = 1_700_000_000
  ) -> CaptureBytes {
    var random = SplitMix64(state: seed)
    var capture = CaptureBytes(isBigEndian: isBigEndian, isNanosecond: isNanosecond)
    for index in 0..<UInt32(count) {
      let tuple = Build.tuple(1000 + UInt16(random.next() % 200), isIPv6: random.next() & 1 == 0)
      var packet = Build.udp(tuple, payload: Int(random.next() % 600))
      let original = UInt32(packet.count)
      if index % 9 == 0 { packet.removeLast(packet.count / 2) }
      if index % 11 == 0 { packet = Build.ethernet(0x88CC, packet) }
      capture.add(
        packet, seconds: firstSecond + index / 100, fraction: index % 100 * 1000 + 7,
        original: max(original, UInt32(packet.count)))
    }
    return capture
  }

  @Test func `a forwarded native capture of microseconds is written byte for byte`() throws {
    let input = try TemporaryDirectory()
    let output = try TemporaryDirectory()
    let bytes = capture().bytes
    let path = output.path
    let run = try ReplayRun([input.write(bytes)], paths: { _ in path })
    #expect(run.error == nil && run.counts[.packets] == 5000 && run.counts[.forwarded] == 5000)
    #expect(output.names == ["lif-1.pcap"])
    let same = try output.read("lif-1.pcap") == bytes
    #expect(same)
    #expect(run.progress.bytesRead == UInt64(bytes.count) && run.progress.totalBytes == UInt64(bytes.count))
  }

  @Test(arguments: [false, true], [false, true])
  func `other byte orders and precisions keep packets, lengths and times`(
    isBigEndian: Bool, isNanosecond: Bool
  ) throws {
    let input = try TemporaryDirectory()
    let output = try TemporaryDirectory()
    let file = try input.write(capture(300, isBigEndian: isBigEndian, isNanosecond: isNanosecond).bytes)
    let path = output.path
    #expect(try ReplayRun([file], paths: { _ in path }).error == nil)
    let (before, after) = (try CapturePackets(file), try CapturePackets(output.file("lif-1.pcap")))
    let same = before.packets == after.packets
    #expect(same && before.packets.count == 300)
    let written = try #require(CaptureReader(file: output.file("lif-1.pcap")).interfaces.first)
    #expect(written.resolution == (isNanosecond ? .nanoseconds : .microseconds))
    #expect(written.snapLength == 262_144 && written.linkNumber == 1)
  }

  @Test(arguments: [0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 127, 100, 300, 999, 60_000] as [UInt32])
  func `every link type can be written, also those that libpcap has no name for`(link: UInt32) throws {
    let input = try TemporaryDirectory()
    let output = try TemporaryDirectory()
    var bytes = CaptureBytes(link: link)
    bytes.add(Build.ip(Build.client, Build.server, 17, [UInt8](repeating: 0, count: 30)))
    let file = try input.write(bytes.bytes)
    let path = output.path
    #expect(try ReplayRun([file], paths: { _ in path }).error == nil)
    let names = output.names
    try #require(names.count == 1)
    let written = try #require(CaptureReader(file: output.file(names[0])).interfaces.first)
    #expect(written.linkNumber == link && written.link == CaptureLink.link(link))
    let isSame = try CapturePackets(output.file(names[0])).packets == CapturePackets(file).packets
    #expect(isSame)
  }

  @Test func `captures are merged by time`() throws {
    let input = try TemporaryDirectory()
    let output = try TemporaryDirectory()
    var odd = CaptureBytes(), even = CaptureBytes(isNanosecond: true)
    for index in 0..<UInt32(500) {
      let packet = Build.ethernet(0x88CC, [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 60))
      if index % 3 == 1 {
        odd.add(packet, seconds: 1000 + index)
      } else {
        even.add(packet, seconds: 1000 + index)
      }
    }
    let files = [try input.write(odd.bytes, to: "odd"), try input.write(even.bytes, to: "even")]
    let sources = try ReplaySources(
      files.enumerated().map { .init(file: $1, lif: UInt16($0) + 1, port: UInt8($0)) })
    #expect(sources.firstTime() == .seconds(1000))
    let path = output.path
    let run = try ReplayRun(files, paths: { _ in path })
    #expect(run.error == nil && run.progress.timeReversals == 0)
    let one = try CapturePackets(output.file("lif-1.pcap"))
    let two = try CapturePackets(output.file("lif-2.pcap"))
    #expect(one.packets.count == 333 && two.packets.count == 167)
  }

  @Test func `captures of every kind are merged by time, and can be read over`() throws {
    let input = try TemporaryDirectory()
    let bytes = (0..<4).map { CaptureBytes.sample(isNanosecond: $0 == 1, count: 60 + $0) }
    let files = [
      try input.write(bytes[0].bytes, to: "a"), try input.write(GzipBytes.member(bytes[1].bytes), to: "b"),
      try input.write(PcapngBytes.sample(count: 62).bytes, to: "c"),
      try input.write(GzipBytes.member(PcapngBytes.sample(isBigEndian: true, count: 63).bytes), to: "d"),
    ]
    let sources = try ReplaySources(files: files, blockSize: 500)
    #expect(sources.interfaceCounts == [1, 1, 2, 2])
    try sources.assign(
      [0..<1, 1..<2, 2..<4, 4..<6].map { .each($0.map { Arrival(lif: UInt16($0) + 1, port: UInt8($0)) }) })
    #expect(
      sources.format.isNanosecond && sources.format.linkNumbers == [0: 1, 1: 1, 2: 1, 3: 113, 4: 1, 5: 113])
    let size = try files.reduce(0) { try $0 + input.read(String($1.suffix(1))).count }
    #expect(sources.totalBytes == UInt64(size))
    for _ in 0..<3 {
      let run = try ReplayRunOfSources(sources, nil)
      #expect(run.packets == 60 + 61 + 62 + 63 && run.error == nil)
      #expect(sources.rewind())
    }
  }

  @Test func `a bad capture ends with an error after the others are done`() throws {
    let input = try TemporaryDirectory()
    var bad = CaptureBytes.sample(count: 5)
    bad.add([1], captured: .max)
    let files = [
      try input.write(bad.bytes, to: "bad"),
      try input.write(CaptureBytes.sample(count: 200).bytes, to: "good"),
    ]
    let run = try ReplayRun(files)
    #expect(run.counts[.packets] == 205 && run.error?.code == .corrupt && run.error?.file == files[0])
  }

  @Test func `the time of the packets`() throws {
    let input = try TemporaryDirectory()
    var wild = CaptureBytes()
    for seconds: UInt32 in [1000, 1001, 900, .max, 1002, 1002 + 200_000, 1003 + 200_000] {
      wild.add([1], seconds: seconds)
    }
    let run = try ReplayRun([input.write(wild.bytes)])
    #expect(run.counts[.packets] == 7 && run.progress.timeJumps == 3 && run.progress.timeReversals == 1)
  }

  @Test func `a full disk is an error that names the file`() throws {
    let input = try TemporaryDirectory()
    let output = try TemporaryDirectory()
    symlink("/dev/full", output.file("lif-1.pcap"))
    let path = output.path
    for count in [3, 5000] {
      let run = try ReplayRun([input.write(capture(count).bytes)], paths: { _ in path })
      let error = try #require(run.error, "\(count) packets")
      #expect(error.code == .cannotWrite && error.file == output.file("lif-1.pcap"))
      #expect(error.message.contains("No space left on device"), "\(error)")
    }
  }

  @Test func `a directory that is not there is an error, and its packets are drops`() throws {
    let input = try TemporaryDirectory()
    let path = input.file("none")
    let run = try ReplayRun([input.write(capture(10).bytes)], paths: { _ in path })
    #expect(run.error?.code == .cannotWrite && run.counts[DropReason.transmitFailed] == 10)
  }

  @Test func `stop ends the replay in good order`() throws {
    let input = try TemporaryDirectory()
    let sources = try ReplaySources([.init(file: input.write(capture().bytes), lif: 1, port: 0)])
    let progress = sources.makeProgress()
    progress.stop()
    let setup = WorkerRun.setup()
    var worker = try Worker(setup, index: 0, events: nil)
    var queue = ReplayQueue(sources, worker: 0, setup: setup, progress: progress, writer: nil)
    WorkerLoop(setup, commands: CommandRing()).run(&worker, &queue)
    #expect(Counts(setup.counters)[.packets] == 0 && progress.error == nil)
  }

  @Test(arguments: 2...4)
  func `several workers read windows safely, and their files merge into the input`(workers: Int) throws {
    let input = try TemporaryDirectory()
    let bytes = capture(20_000).bytes
    let merged = try TemporaryDirectory()
    let paths = (0..<workers).map { merged.subdirectory("w\($0)") }
    let run = try ReplayRun([input.write(bytes)], workers: workers, paths: { paths[$0] })
    #expect(run.error == nil && run.counts[.packets] == 20_000 && run.counts[.dropped] == 0)
    #expect(run.counts[.handedOff] > 5000)
    try CaptureMerge.merge(paths.map { "\($0)/lif-1.pcap" }, into: merged.file("lif-1.pcap"))
    let same = try merged.read("lif-1.pcap") == bytes
    #expect(same)
  }
}

private enum CaptureLink {
  static func link(_ number: UInt32) -> LinkType? {
    try? CaptureHeader(parsing: CaptureBytes(link: number).bytes.span.bytes, file: "").link
  }
}
