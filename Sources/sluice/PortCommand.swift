import Gateway
import PacketIO

/// `sluice replay --port`: captures sent by a network interface.
struct PortCommand {
  let interface: String
  let json: Bool

  func run(_ options: ReplayOptions) throws {
    let summary = try perform(options)
    try StandardOutput.print(json ? TransmissionJSON(summary).text : TransmissionReport(summary).text)
    if let error = summary.error { throw CommandFailure(status: 1, message: error.description) }
    if Interrupt.wasRequested {
      throw CommandFailure(status: 130, message: "interrupted: the summary is of what was sent")
    }
    guard summary.counts.failed == 0 else {
      let why = TransmissionFailure.allCases.filter { summary.counts.failures[$0] != nil }
      throw CommandFailure(
        status: 1,
        message: "\(grouped(summary.counts.failed)) packets were not sent: "
          + why.map(summary.sentence).joined(separator: "; "))
    }
  }

  private func perform(_ options: ReplayOptions) throws -> TransmissionSummary {
    do throws(ReplayError) {
      let replay = try PortReplay(options, by: interface)
      let meter = ProgressMeter(replay.progress)
      Interrupt.stops(replay.progress)
      defer { meter.clear() }
      return try replay.run(onTick: meter.show)
    } catch {
      throw CommandFailure(status: error.code == .usage ? 2 : 1, message: error.message)
    }
  }
}
