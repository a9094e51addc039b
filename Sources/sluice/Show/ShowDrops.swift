import ArgumentParser
import ControlClient

/// `sluice show drops`.
struct ShowDrops: Showing {
  static let configuration = CommandConfiguration(
    commandName: "drops", abstract: "Dropped packets by reason and port; with --interval rates.")

  @OptionGroup var client: ClientOptions
  @OptionGroup var again: RepeatOptions

  static func read(_ control: Control) async throws -> Reading<DropReading> { try await control.drops() }

  static func text(_ now: Reading<DropReading>, since earlier: Reading<DropReading>?) -> String {
    let interval = Interval(now, since: earlier)
    let isRate = interval != nil
    var columns = Columns(
      ["reason", "packets"] + (isRate ? ["per second"] : []) + ["came by", "meaning"],
      rightAligned: 1..<(isRate ? 3 : 2)
    )
    return columns.table(
      pairs(now, earlier).map { drop, before in
        let rate = interval.map { [Figures.scaled($0.rate(drop.packets, before))] } ?? []
        return [drop.reason, grouped(drop.packets)] + rate + [ports(drop), drop.description]
      })
  }

  /// The ports by which packets came, and how many where there are several; those with most first.
  private static func ports(_ drop: DropReading) -> String {
    let sorted = drop.ports.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
    if sorted.count < 2 { return sorted.first?.key ?? "-" }
    return sorted.map { "\($0.key) \(grouped($0.value))" }.joined(separator: ", ")
  }

  static func json(_ now: Reading<DropReading>, since earlier: Reading<DropReading>?) -> String {
    struct Object: Encodable {
      let drops: [Rated<DropReading>]
      let monotonicNanoseconds: UInt64
    }
    let interval = Interval(now, since: earlier)
    let drops = pairs(now, earlier).map { drop, before in
      Rated(item: drop, rates: interval.map { ["packets_per_second": $0.rate(drop.packets, before)] })
    }
    return JSONText.of(Object(drops: drops, monotonicNanoseconds: now.monotonicNanoseconds))
  }

  /// Reasons with their count before; one that is new had none.
  private static func pairs(
    _ now: Reading<DropReading>, _ earlier: Reading<DropReading>?
  ) -> [(DropReading, UInt64)] {
    now.items.map { drop in (drop, earlier?.items.first { $0.reason == drop.reason }?.packets ?? 0) }
  }
}
