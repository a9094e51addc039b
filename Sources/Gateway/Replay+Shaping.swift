import Dataplane
import PacketIO

extension ReplayShaping {
  /// What the options ask for, checked against the captures that they are about.
  ///
  /// - Throws: `.usage` for a filter that libpcap cannot compile, and for a split that these captures do not
  ///   allow.
  init(
    _ options: ReplayOptions, _ ports: [WorkerSetup.Port], _ sources: ReplaySources
  ) throws(ReplayError) {
    self.init()
    rate = options.rate
    rounds = options.rounds
    if let expression = options.filter { filter = try Self.filter(expression, sources) }
    guard let split = options.split else { return }
    try Self.check(split, sources)
    self.split = split
    splitLIFs = (ports[0].lif, ports[1].lif)
  }

  private static func filter(
    _ expression: String, _ sources: ReplaySources
  ) throws(ReplayError) -> PacketFilter {
    let links = sources.links
    do throws(PacketFilter.Refusal) {
      return try PacketFilter(expression, links: links)
    } catch {
      let port = links.filter { $0.value == error.link }.keys.min()
      let file = port.flatMap(sources.file(ofPort:)) ?? ""
      throw ReplayError(
        .usage, "--filter \"\(expression)\": \(error.message) (\(file), link type \(error.link.number))")
    }
  }

  private static func check(_ split: TrafficSplit, _ sources: ReplaySources) throws(ReplayError) {
    let links = sources.links
    guard links.count == 1, let link = links.first?.value else {
      throw ReplayError(
        .usage,
        "--split deals one interface's packets to two LIFs: this capture has \(links.count) interfaces")
    }
    guard !split.needsEthernet || link.number == ethernet else {
      throw ReplayError(
        .usage,
        "--split mac: packets of link type \(link.number) have no MAC addresses: "
          + "use client-server or a prefix"
      )
    }
  }

  /// LINKTYPE_ETHERNET.
  private static let ethernet: UInt16 = 1
}
