import Gateway
import PacketIO
import TrafficGenerator

/// The summary of `generate` for people.
struct GenerateReport {
  private let generation: Generation

  init(_ generation: Generation) { self.generation = generation }

  var text: String {
    let ends = generation.plan.sessions
    let rows: [(String, UInt64)] = [
      ("packets", generation.progress.packets), ("bytes", generation.progress.bytes),
      ("sessions by FIN/ACK", ends.finACK), ("  by RST", ends.reset), ("  by timeout", ends.timeout),
      ("  live", ends.live),
    ]
    return
      (["generated"]
      + rows.map { name, count in
        let number = String(count)
        return "  " + name + String(repeating: " ", count: max(1, 38 - name.count - number.count)) + number
      }).joined(separator: "\n")
  }
}
