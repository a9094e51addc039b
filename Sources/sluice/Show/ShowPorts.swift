import ArgumentParser
import ControlClient

/// `sluice show ports`.
struct ShowPorts: Showing {
  static let configuration = CommandConfiguration(
    commandName: "ports", abstract: "What each port received and sent; with --interval rates.",
    discussion: """
      ring: packets that waited in the receive rings at the last look, and how many these take (AF_PACKET \
      version 3: blocks of packets). Below the table is what else was counted on live ports, under the names \
      of docs/operations.md.
      """)

  @OptionGroup var client: ClientOptions
  @OptionGroup var again: RepeatOptions

  static func read(_ control: Control) async throws -> Reading<PortReading> { try await control.ports() }

  static func text(_ now: Reading<PortReading>, since earlier: Reading<PortReading>?) -> String {
    guard let interval = Interval(now, since: earlier), let earlier else { return totals(now.items) }
    var columns = Columns(
      ["port", "lif", "received/s", "bits/s", "transmitted/s", "bits/s"], rightAligned: 1..<6)
    return columns.table(
      pairs(now, earlier).map { port, before in
        let rates = rates(port, before, interval)
        return [
          port.name, "\(port.lif)", Figures.scaled(rates["received_packets_per_second"] ?? 0),
          Figures.scaled(rates["received_bits_per_second"] ?? 0),
          Figures.scaled(rates["transmitted_packets_per_second"] ?? 0),
          Figures.scaled(rates["transmitted_bits_per_second"] ?? 0),
        ]
      })
  }

  private static func totals(_ ports: [PortReading]) -> String {
    // Few have one.
    let hasHosts = ports.contains { !$0.host.isEmpty }
    var names = [
      "port", "lif", "peer", "received", "bytes", "transmitted", "bytes", "miss", "non-session", "fed by",
      "ring", "state",
    ]
    if hasHosts { names.append("host") }
    var columns = Columns(names, rightAligned: 1..<7)
    let table = columns.table(
      ports.map { port in
        [
          port.name, "\(port.lif)", "\(port.peer)", grouped(port.receivedPackets),
          grouped(port.receivedBytes),
          grouped(port.transmittedPackets), grouped(port.transmittedBytes), port.miss, port.nonSession,
          source(port), ring(port), state(port),
        ] + (hasHosts ? [port.host] : [])
      })
    return ([table] + ports.compactMap(events)).joined(separator: "\n")
  }

  private static let gauges: Set = ["ringWaiting", "ringSize", "framesInUse"]

  private static func ring(_ port: PortReading) -> String {
    guard let size = port.events["ringSize"] else { return "-" }
    return "\(grouped(port.events["ringWaiting"] ?? 0)) of \(grouped(size))"
  }

  /// What else was counted, in one line; nil when nothing was.
  private static func events(_ port: PortReading) -> String? {
    let counts = port.events.filter { !gauges.contains($0.key) }.sorted { $0.key < $1.key }
    guard !counts.isEmpty else { return nil }
    return "\(port.name): " + counts.map { "\($0.key) \(grouped($0.value))" }.joined(separator: ", ")
  }

  private static func source(_ port: PortReading) -> String {
    let name = port.source.isEmpty ? port.kind : "\(port.kind) \(port.source)"
    return port.attachment.isEmpty ? name : "\(name) (\(port.attachment))"
  }

  private static func state(_ port: PortReading) -> String {
    if !port.error.isEmpty { return "failed: \(port.error)" }
    if port.kind == "none" { return "sends only" }
    return port.receiving ? "receiving" : "at its end"
  }

  static func json(_ now: Reading<PortReading>, since earlier: Reading<PortReading>?) -> String {
    struct Object: Encodable {
      let ports: [Rated<PortReading>]
      let monotonicNanoseconds: UInt64
    }
    let interval = Interval(now, since: earlier)
    let ports = pairs(now, earlier ?? now).map { port, before in
      Rated(item: port, rates: interval.map { rates(port, before, $0) })
    }
    return JSONText.of(Object(ports: ports, monotonicNanoseconds: now.monotonicNanoseconds))
  }

  private static func pairs(
    _ now: Reading<PortReading>, _ earlier: Reading<PortReading>
  ) -> [(PortReading, PortReading)] {
    now.items.map { port in (port, earlier.items.first { $0.name == port.name } ?? port) }
  }

  private static func rates(_ now: PortReading, _ before: PortReading, _ interval: Interval) -> [String:
    Double]
  {
    [
      "received_packets_per_second": interval.rate(now.receivedPackets, before.receivedPackets),
      "received_bits_per_second": 8 * interval.rate(now.receivedBytes, before.receivedBytes),
      "transmitted_packets_per_second": interval.rate(now.transmittedPackets, before.transmittedPackets),
      "transmitted_bits_per_second": 8 * interval.rate(now.transmittedBytes, before.transmittedBytes),
    ]
  }
}
