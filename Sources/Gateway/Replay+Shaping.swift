import Dataplane
import PacketIO

extension ReplayShaping {
  /// What is asked for, before the captures that it is about are known.
  struct Wishes: Sendable {
    var rate: ReplayRate
    var multiplier = 1.0
    var rounds: UInt64?
    var filter: String?
    var split: TrafficSplit?
    /// What is before `filter` and `split` where an error names them.
    var prefix: String
  }

  /// What is asked for, checked against the captures that it is about.
  ///
  /// - Throws: `.usage` for a filter that libpcap cannot compile, and for a split that these captures do not
  ///   allow.
  init(_ wishes: Wishes, _ ports: [WorkerSetup.Port], _ sources: ReplaySources) throws(ReplayError) {
    self.init()
    rate = wishes.rate
    multiplier = wishes.multiplier
    rounds = wishes.rounds
    if let expression = wishes.filter {
      filter = try Self.filter(expression, sources, wishes.prefix + "filter")
    }
    guard let split = wishes.split else { return }
    try Self.check(split, sources, wishes.prefix + "split")
    self.split = split
    splitLIFs = (ports[0].lif, ports[1].lif)
  }

  private static func filter(
    _ expression: String, _ sources: ReplaySources, _ name: String
  ) throws(ReplayError) -> PacketFilter {
    let links = sources.links
    do throws(PacketFilter.Refusal) {
      return try PacketFilter(expression, links: links)
    } catch {
      let port = links.filter { $0.value == error.link }.keys.min()
      let file = port.flatMap(sources.file(ofPort:)) ?? ""
      throw ReplayError(
        .usage, "\(name) \"\(expression)\": \(error.message) (\(file), link type \(error.link.number))")
    }
  }

  private static func check(
    _ split: TrafficSplit, _ sources: ReplaySources, _ name: String
  ) throws(ReplayError) {
    let links = sources.links
    guard links.count == 1, let link = links.first?.value else {
      throw ReplayError(
        .usage,
        "\(name) deals one interface's packets to two LIFs: this capture has \(links.count) interfaces")
    }
    guard !split.needsEthernet || link.number == ethernet else {
      throw ReplayError(
        .usage,
        "\(name) mac: packets of link type \(link.number) have no MAC addresses: "
          + "use client-server or a prefix"
      )
    }
  }

  /// LINKTYPE_ETHERNET.
  private static let ethernet: UInt16 = 1
}
