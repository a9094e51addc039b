package import Dataplane

/// A filter expression for packets of any link that ports have. Immutable.
package final class TapFilter: PacketSelector, @unchecked Sendable {
  // SAFETY (@unchecked): immutable, as what it inherits is.
  /// By link type; nil where the expression means nothing, as Ethernet addresses on a link without them.
  private let filters: [PacketFilter?]

  /// - Parameter elsewhere: in the place of the expression on links other than Ethernet, which have no tags.
  /// - Throws: what libpcap says of the expression for Ethernet.
  package init(_ expression: String, elsewhere: String? = nil) throws(PacketFilter.Refusal) {
    var filters: [PacketFilter?] = []
    for link in LinkType.allCases {
      let links = [UInt8(0): PacketFilter.Link(number: link.number, isSwapped: false)]
      switch link {
      case .ethernet: filters.append(try PacketFilter(expression, links: links))
      case .other: filters.append(nil)
      default: filters.append(try? PacketFilter(elsewhere ?? expression, links: links))
      }
    }
    self.filters = filters
    super.init()
  }

  /// Instructions of the longest of them.
  package var longestProgram: Int { filters.reduce(0) { max($0, $1?.longestProgram ?? 0) } }

  @unsafe package override func accepts(_ packet: PacketDescriptor) -> Bool {
    var packet = unsafe packet
    let index = unsafe Int(packet.link.rawValue)
    guard index < filters.count, let filter = filters[index] else { return false }
    unsafe packet.port = 0
    return unsafe filter.accepts(packet)
  }
}

extension LinkType {
  /// The LINKTYPE_ number that captures of such packets have. LINKTYPE_USER0 where it is not known.
  package var number: UInt16 {
    switch self {
    case .ethernet: 1
    case .rawIP: 101
    case .linuxCooked: 113
    case .linuxCooked2: 276
    case .bsdNull: 0
    case .bsdLoop: 108
    case .other: 147
    }
  }
}
