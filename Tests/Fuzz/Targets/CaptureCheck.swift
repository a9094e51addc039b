import Dataplane
import PacketIO

/// A capture file, read as a replay reads it, in blocks of two sizes.
enum CaptureCheck {
  static func problems(with input: [UInt8]) -> [String] {
    let file = ScratchFile(input)
    let usual = Reading(file.path, blockSize: nil)
    let small = Reading(file.path, blockSize: 64)
    if usual != small { return usual.problems + ["small blocks give another answer than large ones"] }
    return usual.problems
  }

  /// All that came out of a file.
  private struct Reading: Equatable {
    var problems: [String] = []
    /// The packets, folded into a number.
    var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    var packets = 0
    var error: CaptureError?
    private var lastTime = PacketTime.zero

    init(_ path: String, blockSize: Int?) {
      do throws(CaptureError) {
        let sources = try ReplaySources(
          [ReplaySources.Source(file: path, lif: 1, port: 0)], blockSize: blockSize)
        let progress = sources.makeProgress()
        read(sources, progress)
        error = progress.error
      } catch {
        self.error = error
      }
      if let error, error.message.isEmpty { problems.append("an error without a message") }
    }

    private mutating func read(_ sources: ReplaySources, _ progress: ReplayProgress) {
      var generator = SystemRandomNumberGenerator()
      var setup = WorkerSetup(workers: 1, capacity: 1, ports: [], waits: true, generator: &generator)
      setup.start = sources.firstTime() ?? .zero
      var queue = ReplayQueue(sources, worker: 0, setup: setup, progress: progress, writer: nil)
      var burst = PacketBurst(limit: 64)
      while case .packets = queue.receive(into: &burst) {
        if burst.isEmpty { problems.append("a burst without packets") }
        for index in 0..<burst.count { note(burst, index) }
        burst.removeAll()
      }
      queue.finish()
    }

    private mutating func note(_ burst: borrowing PacketBurst, _ index: Int) {
      let bytes = burst.bytes(index)
      if bytes.byteCount > 262_144 { problems.append("packet \(packets) has \(bytes.byteCount) bytes") }
      if Int(burst.originalLength(index)) < bytes.byteCount {
        problems.append("packet \(packets) was shorter on its link than it is")
      }
      if burst.time(index) < lastTime { problems.append("time runs backwards at packet \(packets)") }
      if burst.sequence(index) != UInt64(packets) {
        problems.append("packet \(packets) has another position")
      }
      lastTime = burst.time(index)
      packets += 1
      fold(burst.captureTime(index))
      fold(lastTime.nanoseconds)
      fold(UInt64(burst.originalLength(index)) << 32 | UInt64(bytes.byteCount))
      fold(UInt64(burst.link(index).rawValue) << 32 | UInt64(burst.lif(index)))
      for offset in bytes.byteOffsets {
        fold(UInt64(bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)))
      }
    }

    /// FNV-1a, a word at a time.
    private mutating func fold(_ word: UInt64) { digest = (digest ^ word) &* 0x100_0000_01B3 }
  }
}
