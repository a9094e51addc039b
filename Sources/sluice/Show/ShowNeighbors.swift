import ArgumentParser
import ControlClient

/// `sluice show neighbors`.
struct ShowNeighbors: Showing {
  static let configuration = CommandConfiguration(
    commandName: "neighbors", abstract: "Hosts on the links of routed ports, and configured ones.",
    discussion: """
      state: incomplete while it is asked for, reachable after it answered, probing when it is asked again, \
      static when the configuration names it; for: until that is looked at again. waiting: packets that wait \
      for its address; workers: how many know it, none of one that only copies go to.
      """)

  @OptionGroup var client: ClientOptions
  @OptionGroup var again: RepeatOptions

  static func read(_ control: Control) async throws -> Reading<NeighborReading> {
    try await control.neighbors(port: "")
  }

  static func text(_ now: Reading<NeighborReading>, since earlier: Reading<NeighborReading>?) -> String {
    var columns = Columns(
      ["port", "address", "MAC", "state", "for", "waiting", "workers"], rightAligned: 4..<7)
    let table = columns.table(
      now.items.map { neighbor in
        [
          neighbor.vlan == 0 ? neighbor.port : "\(neighbor.port), VLAN \(neighbor.vlan)", neighbor.address,
          neighbor.mac.isEmpty ? "-" : neighbor.mac, neighbor.state,
          neighbor.state == "static" ? "-" : "\(Int(neighbor.secondsLeft.rounded(.up))) s",
          grouped(neighbor.waiting), "\(neighbor.workers)",
        ]
      })
    return now.leftOut == 0 ? table : "\(table)\nand \(grouped(now.leftOut)) more"
  }

  static func json(_ now: Reading<NeighborReading>, since earlier: Reading<NeighborReading>?) -> String {
    struct Object: Encodable {
      let neighbors: [NeighborReading]
      let leftOut: UInt64
      let monotonicNanoseconds: UInt64
    }
    return JSONText.of(
      Object(
        neighbors: now.items, leftOut: now.leftOut, monotonicNanoseconds: now.monotonicNanoseconds))
  }
}
