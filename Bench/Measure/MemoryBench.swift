import ArgumentParser
import Dataplane
import Glibc

/// `memory.*` and the 100 million sessions: a worker filled to its capacity by requests with ids, then a
/// packet forwarded in every session.
struct MemoryBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "memory", abstract: "Fill a worker with sessions, forward once in each, tell its memory.")

  @Option(help: "Sessions, and the capacity they fill.") var flows: UInt32 = 1 << 20

  func run() throws {
    let before = ResidentMemory.byteCount
    let flows = Flows(count: self.flows)
    var loaded = try LoadedWorker(flows, capacity: self.flows)
    let loading = loaded.loadNanoseconds
    let after = ResidentMemory.byteCount
    let forwarding = try forward(flows, &loaded)
    print(
      """
      {"pages":"\(HugePages.inUse)","sessions":\(flows.count),\
      "bytes_per_session":\(Self.tenths((after - before) * 10 / Int(flows.count))),\
      "rss_bytes":\(after),"load_seconds":\(Self.tenths(Int(loading / 100_000_000))),\
      "load_ns":\(loading / UInt64(flows.count)),"forward_ns":\(forwarding / UInt64(flows.count))}
      """)
  }

  /// - Returns: nanoseconds of CPU time that the worker took, making the packets not counted.
  private func forward(_ flows: Flows, _ loaded: inout LoadedWorker) throws -> UInt64 {
    var taken: UInt64 = 0
    for first in stride(from: 0, to: flows.count, by: Int(Self.chunk)) {
      // A step with no common factor visits every session once, in an order that caches do not like.
      let order = (first..<min(first + Self.chunk, flows.count)).map {
        UInt32(UInt64($0) * Self.step % UInt64(flows.count))
      }
      let stream = try PacketStream(order.map { flows.tuple($0) }, packetSize: 64)
      guard
        var queue = unsafe StreamQueue(
          stream.start, packetSize: 64, count: order.count, lif: 1, time: LoadedWorker.time, isCopying: false)
      else { throw OutOfMemory() }
      let start = CPUClock.now
      loaded.run(&queue, burst: 64)
      taken += CPUClock.now - start
    }
    try loaded.check(forwarded: UInt64(flows.count))
    return taken
  }

  private static func tenths(_ value: Int) -> String { "\(value / 10).\(value % 10)" }

  private static let chunk: UInt32 = 65536
  /// A prime larger than any number of flows is allowed to divide.
  private static let step: UInt64 = 2_654_435_761
}

/// What the process has of the machine's memory.
enum ResidentMemory {
  static var byteCount: Int {
    guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard unsafe fgets(&line, 128, file) != nil else { return 0 }
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let fields = text.split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
  }
}
