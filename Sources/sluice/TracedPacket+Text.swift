import ControlClient
import Dataplane
import Gateway

extension TracedPacket {
  /// A numbered packet, and its numbered steps.
  func text(number: Int) -> String {
    let time = RFC3339.text(PacketTime(nanoseconds: timeNanoseconds))
    var lines = ["packet \(number): \(time), port \(port)", "    \(packet)"]
    let width = steps.map(\.step.count).max() ?? 0
    for (index, step) in steps.enumerated() {
      let position = String(repeating: " ", count: index < 9 ? 1 : 0) + "\(index + 1)"
      let name = step.step + String(repeating: " ", count: max(width - step.step.count, 0))
      lines.append(" \(position)  worker \(step.worker)  \(name)  \(step.text)")
    }
    return lines.joined(separator: "\n")
  }

  /// A packet of a replay.
  init(_ journey: Journey) {
    self.init(
      timeNanoseconds: journey.time, port: journey.port, length: journey.originalLength,
      packet: journey.description, verdict: "\(journey.verdict)", dropReason: journey.reason?.name ?? "",
      outPort: journey.outPort ?? "",
      steps: journey.steps.map { step in
        Step(step: step.name, worker: UInt32(step.worker), text: step.text, details: step.details)
      })
  }
}

/// Prints the journeys of a replay as they end.
final class JourneyLines {
  private let isJSON: Bool
  private var count = 0
  /// Why they could not be printed.
  private var failure: CommandFailure?

  init(isJSON: Bool) { self.isJSON = isJSON }

  func write(_ journey: Journey) {
    guard failure == nil else { return }
    count += 1
    let packet = TracedPacket(journey)
    do throws(CommandFailure) {
      try StandardOutput.print(isJSON ? JSONText.of(packet) : packet.text(number: count))
    } catch {
      failure = error
    }
  }

  /// - Throws: `.failed` when something could not be written.
  func close() throws(ReplayError) {
    if let failure { throw ReplayError(.failed, failure.message) }
  }
}
