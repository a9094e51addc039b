import ArgumentParser
import ControlClient

/// `sluice show workers`.
struct ShowWorkers: Showing {
  static let configuration = CommandConfiguration(
    commandName: "workers",
    abstract: "Where each worker thread runs, and its counters; with --interval rates, and CPU a packet.",
    discussion: """
      core and node: the CPU that the worker is pinned to and its NUMA node, "any" where the scheduler \
      chooses; polling: what it does when no packets come. --json has all counters, under the names of \
      docs/api.md, and scheduler and memory: SCHED_FIFO's priority, which node memory comes from.
      """)

  @OptionGroup var client: ClientOptions
  @OptionGroup var again: RepeatOptions

  static func read(_ control: Control) async throws -> Reading<WorkerReading> { try await control.workers() }

  static func text(_ now: Reading<WorkerReading>, since earlier: Reading<WorkerReading>?) -> String {
    guard let interval = Interval(now, since: earlier), let earlier else { return totals(now.items) }
    var columns = Columns(
      [
        "worker", "packets/s", "bits/s", "dropped/s", "handed off/s", "per burst", "CPU", "ns/packet",
        "commands/s",
      ], rightAligned: 0..<9)
    return columns.table(
      pairs(now, earlier).map { worker, before in
        let rates = rates(worker, before, interval)
        return [
          "\(worker.index)", Figures.scaled(rates.packets), Figures.scaled(rates.bits),
          Figures.scaled(interval.rate(worker["dropped"], before["dropped"])),
          Figures.scaled(interval.rate(worker["handedOff"], before["handedOff"])),
          rates.bursts > 0 ? tenths(rates.packetsPerBurst) : "-",
          "\(Int((rates.cpuShare * 100).rounded())) %",
          rates.packets > 0 ? "\(Int(rates.nanosecondsPerPacket.rounded()))" : "-",
          Figures.scaled(interval.rate(worker.commands, before.commands)),
        ]
      })
  }

  private static func totals(_ workers: [WorkerReading]) -> String {
    let counters = ["packets", "bytes", "matched", "missed", "other", "dropped", "handedOff", "liveSessions"]
    let names = ["packets", "bytes", "matched", "missed", "other", "dropped", "handed off", "sessions"]
    var columns = Columns(
      ["worker", "core", "node", "polling"] + names + ["per burst", "CPU s", "ns/packet"],
      rightAligned: 0..<15)
    return columns.table(
      workers.map { worker in
        let packets = worker["packets"]
        let bursts = worker["bursts"]
        let cpu = worker.cpuNanoseconds
        let place = [worker.core, worker.node].map { $0.map { "\($0)" } ?? "any" }
        return ["\(worker.index)"] + place + [worker.polling.isEmpty ? "-" : worker.polling]
          + counters.map { grouped(worker[$0]) }
          + [
            bursts > 0 ? tenths(Double(packets) / Double(bursts)) : "-",
            tenths(Double(cpu) / 1e9), packets > 0 ? "\(cpu / packets)" : "-",
          ]
      })
  }

  private static func tenths(_ value: Double) -> String {
    let tenths = UInt64((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  static func json(_ now: Reading<WorkerReading>, since earlier: Reading<WorkerReading>?) -> String {
    struct Object: Encodable {
      let workers: [Rated<WorkerReading>]
      let monotonicNanoseconds: UInt64
    }
    let interval = Interval(now, since: earlier)
    let workers = pairs(now, earlier ?? now).map { worker, before in
      Rated(item: worker, rates: interval.map { rates(worker, before, $0).json })
    }
    return JSONText.of(Object(workers: workers, monotonicNanoseconds: now.monotonicNanoseconds))
  }

  private static func pairs(
    _ now: Reading<WorkerReading>, _ earlier: Reading<WorkerReading>
  ) -> [(WorkerReading, WorkerReading)] {
    now.items.map { worker in (worker, earlier.items.first { $0.index == worker.index } ?? worker) }
  }

  private static func rates(_ now: WorkerReading, _ before: WorkerReading, _ interval: Interval)
    -> WorkerRates
  {
    WorkerRates(
      packets: interval.rate(now["packets"], before["packets"]),
      bits: 8 * interval.rate(now["bytes"], before["bytes"]),
      bursts: interval.rate(now["bursts"], before["bursts"]),
      cpuShare: interval.rate(now.cpuNanoseconds, before.cpuNanoseconds) / 1e9)
  }
}

/// What a worker does in a second.
private struct WorkerRates {
  let packets, bits, bursts: Double
  /// Of one core.
  let cpuShare: Double

  /// Meaningful when there were packets.
  var nanosecondsPerPacket: Double { packets > 0 ? cpuShare * 1e9 / packets : 0 }

  /// Meaningful when there were bursts.
  var packetsPerBurst: Double { bursts > 0 ? packets / bursts : 0 }

  var json: [String: Double] {
    [
      "packets_per_second": packets, "bits_per_second": bits, "cpu_share": cpuShare,
      "packets_per_burst": packetsPerBurst,
      "cpu_nanoseconds_per_packet": nanosecondsPerPacket,
    ]
  }
}
