import ArgumentParser
import Dataplane

/// `path.64k.*`: TCP packets through a whole worker from a memory port.
struct PathBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "path", abstract: "Take packets through a worker from a memory port.")

  @OptionGroup var common: CommonOptions
  @Option(help: "uniform or zipf.") var order = QueryOrder.uniform
  @Option(help: "Packets of a repetition.") var packets = 2 << 20
  @Option(help: "Bytes of a packet, 60 to 1514.") var size = 64
  @Option(help: "Packets of a burst, 1 to 256.") var burst = 64
  @Flag(help: "Copy each packet into a buffer first, as a driver would.") var copy = false

  func validate() throws {
    guard packets > 0 else { throw ValidationError("--packets must be positive.") }
    guard (60...1514).contains(size) else { throw ValidationError("--size must lie in 60...1514.") }
    guard (1...256).contains(burst) else { throw ValidationError("--burst must lie in 1...256.") }
  }

  func run() throws {
    let flows = Flows(count: common.flows)
    var random = SplitMix64(skipping: 2 * UInt64(flows.count))
    let order = try HugeBuffer<UInt32>(count: packets)
    try self.order.fill(order, flows: flows.count, &random)
    let stream = try PacketStream(flows, order, packetSize: size)
    var loaded = try LoadedWorker(flows, capacity: 2 * flows.count)
    // SAFETY: the stream outlives the queue.
    guard
      var queue = unsafe StreamQueue(
        stream.start, packetSize: size, count: packets, lif: 1, time: LoadedWorker.time, isCopying: copy)
    else { throw OutOfMemory() }
    var repetitions = Repetitions(common, facts: "\"flows\":\(common.flows),\"load\":0.5")
    var expected: UInt64 = 0
    while repetitions.next() {
      let start = CPUClock.now
      loaded.run(&queue, burst: burst)
      let taken = CPUClock.now - start
      expected += UInt64(packets)
      try loaded.check(forwarded: expected)
      repetitions.report(taken, operations: packets)
      queue.rewind()
    }
  }
}
