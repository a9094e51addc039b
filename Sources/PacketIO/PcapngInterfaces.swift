import Dataplane

/// The interfaces of a pcapng capture: those of the section that is read, and those that make ports.
///
/// Each section counts its interfaces from 0. One with the number and the link type of an interface of an
/// earlier section is taken for the same one: captures of one place that were put after each other.
struct PcapngInterfaces {
  /// An interface of the present section, and where its packets arrive.
  struct Entry {
    let interface: CaptureInterface
    let link: LinkType
    let arrival: Arrival
  }

  /// Interfaces in the order in which they first appear, over all sections.
  private(set) var known: [CaptureInterface] = []
  /// Interfaces of the present section.
  private(set) var section: [Entry] = []
  /// The number that each known one has in its section.
  private var numbers: [Int] = []
  /// nil while the interfaces are being found out.
  private var arrivals: Arrivals?

  /// As many ports as workers have.
  static let most = 256

  /// Says where packets arrive. From here on there are no further interfaces but on a port of all.
  mutating func assign(_ arrivals: Arrivals) {
    self.arrivals = arrivals
    section = section.enumerated().map { number, entry in
      let place = place(number, entry.interface) ?? 0
      return Entry(
        interface: entry.interface, link: entry.link, arrival: arrivals[place] ?? Self.nowhere)
    }
  }

  mutating func beginSection() { section.removeAll(keepingCapacity: true) }

  /// Notes the next interface of the section.
  ///
  /// - Returns: what is wrong with it; nil when nothing is.
  mutating func note(_ interface: CaptureInterface) -> String? {
    let number = section.count
    var index = place(number, interface)
    if index == nil {
      guard known.count < Self.most else { return "more than \(Self.most) interfaces are described" }
      if let fault = fault(ofLate: interface, number) { return fault }
      known.append(interface)
      numbers.append(number)
      index = known.count - 1
    }
    let arrival = index.flatMap { arrivals?[$0] } ?? Self.nowhere
    section.append(Entry(interface: interface, link: interface.link, arrival: arrival))
    return nil
  }

  private func place(_ number: Int, _ interface: CaptureInterface) -> Int? {
    known.indices.first { numbers[$0] == number && known[$0].linkNumber == interface.linkNumber }
  }

  /// Why an interface that was not known before the first packet cannot be taken.
  private func fault(ofLate interface: CaptureInterface, _ number: Int) -> String? {
    switch arrivals {
    case nil: nil
    case .each:
      "interface \(number) of link type \(interface.linkNumber) is described too late: LIFs are made of what "
        + "stands before the first packet of a stream or gzip file, or in the first "
        + "\(CaptureReader.surveySize >> 20) MB of another; write a stream to a file, unpack it, "
        + "or split the capture with \"editcap -c\""
    case .all where known.first.map({ $0.linkNumber != interface.linkNumber }) ?? false:
      mixed(interface.linkNumber)
    case .all: nil
    }
  }

  /// Why the known interfaces cannot arrive on one port; nil when they can.
  var faultOfOnePort: String? {
    known.first { $0.linkNumber != known[0].linkNumber }.flatMap { mixed($0.linkNumber) }
  }

  private func mixed(_ number: UInt16) -> String? {
    known.first.map {
      "its interfaces have link types \($0.linkNumber) and \(number), but all arrive on one port: give each "
        + "interface a port by naming the capture on the command line"
    }
  }

  private static let nowhere = Arrival(lif: 0, port: 0)
}
