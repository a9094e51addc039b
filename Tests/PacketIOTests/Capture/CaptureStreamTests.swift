import Dataplane
import Glibc
import PacketIO
import Testing

@Suite("Captures that come through a pipe")
struct CaptureStreamTests {
  /// Writes `bytes` to a pipe in pieces, from a thread of its own, while `read` reads it.
  private func piped<T>(
    _ bytes: [UInt8], pieces: @escaping @Sendable (Int) -> Int, _ read: (String) throws -> T
  ) throws -> T {
    let directory = try TemporaryDirectory()
    let path = directory.file("pipe")
    try #require(mkfifo(path, 0o600) == 0)
    let writer = try WorkerThread(name: "test-pipe") {
      let descriptor = open(path, O_WRONLY | O_CLOEXEC)
      var position = 0
      while position < bytes.count {
        let count = min(max(pieces(position), 1), bytes.count - position)
        let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + position, count) }
        if written <= 0 { break }
        position += written
      }
      close(descriptor)
    }
    defer { writer.join() }
    return try read(path)
  }

  @Test func `any split of the bytes gives the same packets`() throws {
    let directory = try TemporaryDirectory()
    for bytes in [CaptureBytes.sample(count: 24).bytes, PcapngBytes.sample(count: 24).bytes] {
      let whole = try CapturePackets(directory.write(bytes)).packets
      for (content, blockSize) in [
        (bytes, 1), (bytes, 1 << 17), (GzipBytes.member(bytes), 1), (GzipBytes.member(bytes), 300),
      ] {
        for seed: UInt64 in 1...3 {
          let read = try piped(
            content,
            pieces: { position in
              var random = SplitMix64(state: seed &+ UInt64(position))
              return Int(random.next() % (seed == 1 ? 30 : 700))
            }
          ) { try CapturePackets($0, blockSize: blockSize) }
          #expect(read.error == nil && read.packets == whole)
        }
      }
    }
  }

  @Test func `a writer that has written all and gone leaves what it wrote`() throws {
    let sample = CaptureBytes.sample(count: 3)
    for _ in 0..<300 {
      let read = try piped(sample.bytes, pieces: { _ in 1 << 12 }) { try CapturePackets($0) }
      guard read.packets.count == 3, read.error == nil else {
        Issue.record("\(read.packets.count) packets, \(String(describing: read.error))")
        return
      }
    }
  }

  @Test func `a stream that is cut ends with an error, after what was whole`() throws {
    let sample = CaptureBytes.sample(count: 5)
    let read = try piped(Array(sample.bytes.dropLast(3)), pieces: { _ in 100 }) { try CapturePackets($0) }
    #expect(read.packets.count == 4 && read.error?.code == .truncated)
    #expect(read.error?.offset == UInt64(sample.starts[4]))
  }

  @Test func `an interface that is described too late for a port ends the stream with an error`() throws {
    var capture = PcapngBytes()
    capture.section()
    capture.interface()
    capture.enhanced([1])
    // The same once more in a new section is no new interface.
    capture.section()
    capture.interface()
    capture.enhanced([2])
    capture.interface(link: 113)
    capture.enhanced([3], interface: 1)
    for bytes in [capture.bytes, GzipBytes.member(capture.bytes)] {
      try piped(bytes, pieces: { _ in 50 }) { path in
        let sources = try ReplaySources(files: [path])
        #expect(sources.interfaceCounts == [1] && !sources.rewind())
        #expect(sources.totalBytes == nil && sources.makeProgress().totalBytes == nil)
        let read = try ReplayRunOfSources(sources, [.each([Arrival(lif: 1, port: 0)])])
        #expect(read.packets == 2 && read.error?.code == .corrupt)
        #expect(read.error?.message.contains("interface 1 of link type 113 is described too late") == true)
      }
    }
  }

  @Test func `stopping ends the wait for a silent stream`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("pipe")
    try #require(mkfifo(path, 0o600) == 0)
    // Reading and writing at once: a pipe that is never at its end.
    let both = open(path, O_RDWR | O_CLOEXEC)
    defer { close(both) }
    let bytes = CaptureBytes.sample(count: 3).bytes
    #expect(write(both, bytes, bytes.count) == bytes.count)
    let sources = try ReplaySources([.init(file: path, lif: 1, port: 0)])
    let progress = sources.makeProgress()
    let stopper = try WorkerThread(name: "test-stop") {
      usleep(50_000)
      progress.stop()
    }
    let read = try ReplayRunOfSources(sources, nil)
    stopper.join()
    #expect(read.packets == 3 && read.error == nil)
  }
}

/// One worker's replay of sources that are open already.
struct ReplayRunOfSources {
  let packets: UInt64
  let error: CaptureError?

  init(_ sources: ReplaySources, _ arrivals: [Arrivals]?) throws {
    if let arrivals { try sources.assign(arrivals) }
    let setup = WorkerRun.setup()
    let progress = sources.makeProgress()
    var worker = try Worker(setup, index: 0, events: nil)
    var queue = ReplayQueue(sources, worker: 0, setup: setup, progress: progress, writer: nil)
    WorkerLoop(setup, commands: CommandRing()).run(&worker, &queue)
    packets = Counts(setup.counters)[.packets]
    error = progress.error
  }
}
