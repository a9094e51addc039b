import ArgumentParser
import Dataplane
import Glibc
import Synchronization

/// `workers.*`: workers on threads and cores of their own, each with a memory port and 64-byte packets.
struct WorkersBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workers", abstract: "Take packets through several workers, each on a core of its own.",
    discussion: "A repetition prints CPU time a packet (ns) and how long a packet took by the clock (wall).")

  @OptionGroup var common: CommonOptions
  @Option(help: "Workers, 1 to 64.") var workers = 2
  @Option(help: "The first worker's core; the others follow.") var firstCore = 0
  @Option(help: "Packets of a repetition on each worker.") var packets = 2 << 20
  @Flag(help: "Give each worker packets of all sessions: it hands over those that are not its own.")
  var handOffs = false

  func validate() throws {
    guard (1...64).contains(workers) else { throw ValidationError("--workers must lie in 1...64.") }
    guard firstCore >= 0 else { throw ValidationError("--first-core must not be negative.") }
    guard packets > 0 else { throw ValidationError("--packets must be positive.") }
  }

  func run() throws {
    let flows = Flows(count: common.flows * UInt32(workers))
    let owners = LoadedWorker.setup(workers: workers, capacity: 1)
    let streams = try (0..<workers).map { try WorkerStream(stream(for: $0, of: flows, owners)) }
    var repetitions = Repetitions(common, facts: "\"flows\":\(flows.count),\"workers\":\(workers)")
    while repetitions.next() {
      let crew = try Crew(streams, flows, packets: packets)
      crew.run(from: firstCore)
      try crew.check(packets: UInt64(packets * workers))
      let wall = crew.wallNanoseconds * 100 / (packets * workers)
      repetitions.report(
        crew.cpuNanoseconds, operations: packets * workers, more: ",\"wall\":\(Double(wall) / 100)")
    }
  }

  /// Packets for worker `index`, uniformly distributed over its sessions, or with hand-offs over all.
  private func stream(for index: Int, of flows: Flows, _ owners: WorkerSetup) throws -> PacketStream {
    let own = (0..<flows.count).filter { handOffs || owners.owner(of: flows.tuple($0)) == index }
    var random = SplitMix64(skipping: UInt64(flows.count) * 2 + UInt64(index) << 32)
    let order = try HugeBuffer<UInt32>(count: packets)
    for packet in 0..<packets { order[packet] = own[Int(random.next(upperBound: UInt64(own.count)))] }
    return try PacketStream(flows, order, packetSize: 64)
  }
}

/// A stream that outlives the threads which read it.
final class WorkerStream: Sendable {
  let packets: PacketStream
  init(_ packets: consuming PacketStream) { self.packets = packets }
}

/// The workers of one repetition, with fresh tables.
final class Crew: Sendable {
  private let setup: WorkerSetup
  private let streams: [WorkerStream]
  private let boxes: [WorkerBox]
  private let packets: Int
  private let waiting = Atomic<Int>(0)
  private let cpu = Atomic<UInt64>(0)
  private let started = Atomic<Int>(.max)
  private let ended = Atomic<Int>(0)

  init(_ streams: [WorkerStream], _ flows: Flows, packets: Int) throws {
    self.streams = streams
    self.packets = packets
    let setup = LoadedWorker.setup(workers: streams.count, capacity: 2 * Int(flows.count))
    self.setup = setup
    boxes = try streams.indices.map { index in
      var worker = try Worker(setup, index: index, events: nil)
      try LoadedWorker.load(flows, into: &worker) { setup.owner(of: $0) == index }
      return WorkerBox(worker)
    }
  }

  /// CPU time of all workers, and the time from the first one's start to the last one's end.
  var cpuNanoseconds: UInt64 { cpu.load(ordering: .relaxed) }
  var wallNanoseconds: Int { ended.load(ordering: .relaxed) - started.load(ordering: .relaxed) }

  /// Runs every worker to its end, the first on core `core`, the others on those that follow.
  func run(from core: Int) {
    let threads = boxes.indices.compactMap { index in
      try? WorkerThread(name: "bench-\(index)", on: ThreadPlace(core: core + index)) { self.work(index) }
    }
    for thread in threads { thread.join() }
  }

  private func work(_ index: Int) {
    // SAFETY: the stream lives as long as this crew.
    guard
      let queue = unsafe StreamQueue(
        streams[index].packets.start, packetSize: 64, count: packets, lif: 1, time: LoadedWorker.time,
        isCopying: false)
    else { return }
    var port = queue
    waiting.add(1, ordering: .sequentiallyConsistent)
    while waiting.load(ordering: .acquiring) < boxes.count { sched_yield() }
    started.min(WallClock.now, ordering: .relaxed)
    let start = CPUClock.now
    boxes[index].run(WorkerLoop(setup, commands: CommandRing()), &port)
    cpu.add(CPUClock.now - start, ordering: .relaxed)
    ended.max(WallClock.now, ordering: .relaxed)
  }

  /// Refuses workers that have not matched and forwarded all packets.
  func check(packets: UInt64) throws {
    func total(_ counter: Counter) -> UInt64 { setup.counters.reduce(0) { $0 + $1[counter] } }
    guard total(.forwarded) == packets, total(.matched) == packets else {
      throw WrongAnswer(
        "\(total(.forwarded)) of \(packets) packets were forwarded, \(total(.matched)) matched")
    }
  }
}

/// Carries a worker to its thread.
final class WorkerBox: @unchecked Sendable {
  // SAFETY (@unchecked): filled before the thread starts, used by that thread only.
  private var worker: Worker

  init(_ worker: consuming Worker) { self.worker = worker }

  func run(_ loop: WorkerLoop, _ queue: inout StreamQueue) { loop.run(&worker, &queue) }
}

/// The monotonic clock, in nanoseconds.
enum WallClock {
  static var now: Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec)
  }
}
