import ArgumentParser
import Foundation
import Gateway
import PacketIO
import TrafficGenerator

/// `sluice generate`: made-up traffic into a capture, or straight through the packet path.
struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Make a capture of TCP and UDP conversations, and say what a session table must see in it.",
    discussion: """
      Connections are opened, carry data both ways, and end by FIN, by RST, by silence or not at all. All \
      checksums are right, nothing is malformed, and the same options give the same bytes on every machine. \
      Without --write the packets go straight through the packet path, which learns and forwards them, and \
      what it counted is compared with what was made: exit status 1 when they differ.

      Examples:
        sluice generate --flows 50000 --seed 7 --write gen.pcap --json
        sluice generate --flows 1000 --packets 100000 --size 1420 --ip both --vlan 7 --write vlan.pcap
        sluice generate --flows 8000000 --packets 100000000 --distribution zipf
        sluice generate --packets 1000 --write - | tcpdump -r -
      """)

  @OptionGroup var traffic: TrafficArguments

  @Option(
    help: ArgumentHelp(
      "Write a classic pcap file; - is standard output, and the summary then goes to standard error.",
      valueName: "file"))
  var write: String?

  @Flag(help: "Write timestamps in nanoseconds instead of microseconds.")
  var nanoseconds = false

  @Option(help: "Worker threads of the packet path, 1...64; only without --write. (default: 1)")
  var workers: Int?

  @Flag(help: "Print the summary as one JSON object.")
  var json = false

  func validate() throws {
    if write != nil, workers != nil {
      throw ValidationError("--workers: nothing is run with --write; leave one of them out")
    }
    if write == nil, nanoseconds {
      throw ValidationError("--nanoseconds: nothing is written; add --write FILE or leave it out")
    }
  }

  func run() throws {
    let generation = Generation(try plan())
    let meter = TrafficMeter(generation.progress)
    Interrupt.calls { generation.progress.stop() }
    do {
      if let write {
        try save(generation, to: write, meter)
      } else {
        try selfTest(generation, meter)
      }
    } catch let error as ReplayError {
      meter.clear()
      throw CommandFailure(status: error.code == .usage ? 2 : 1, message: error.message)
    }
  }

  private func plan() throws(CommandFailure) -> TrafficPlan {
    do throws(TrafficError) {
      return try TrafficPlan(traffic.options)
    } catch {
      throw CommandFailure(status: 2, message: error.description)
    }
  }

  private func save(_ generation: Generation, to path: String, _ meter: TrafficMeter) throws {
    let isWhole = try generation.write(to: path, isNanosecond: nanoseconds, onTick: meter.show)
    meter.clear()
    guard isWhole else {
      let what = path == "-" ? "the capture ends early" : "\(path) was not written"
      throw CommandFailure(status: 130, message: "interrupted: \(what)")
    }
    let text = json ? JSONText.of(GenerateJSON(generation)) : GenerateReport(generation).text
    if path == "-" { standardError(text) } else { try StandardOutput.print(text) }
  }

  private func selfTest(_ generation: Generation, _ meter: TrafficMeter) throws {
    HugePageNotice.announce()
    let summary = try generation.run(workers: workers ?? 1, onTick: meter.show)
    meter.clear()
    if generation.progress.isStopped {
      throw CommandFailure(status: 130, message: "interrupted: the traffic was not made to its end")
    }
    if json {
      try StandardOutput.print(JSONText.of(GenerateJSON(generation, ReplayJSON(summary))))
    } else {
      try StandardOutput.print(GenerateReport(generation).text + "\n\n" + ReplayReport(summary).text)
    }
    let differences = generation.differences(from: summary)
    guard differences.isEmpty else {
      throw CommandFailure(
        status: 1,
        message: "what was made and what was counted differ: " + differences.joined(separator: ", "))
    }
  }
}
