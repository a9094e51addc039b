package import Config
import Dataplane
import PacketIO

/// What another configuration changes about a running daemon. Pure: nothing is opened.
///
/// A port is who it is by its LIF, which sessions know it by. What it receives from is opened anew when
/// anything about it differs that is not known to change in place.
package struct ReloadPlan: Sendable {
  /// By port of the wanted configuration: its place in the workers' list.
  package private(set) var places: [Int] = []
  /// Ports of the wanted configuration that are opened.
  package private(set) var opened: [Int] = []
  /// Places where a port ends, or what it received from.
  package private(set) var ended: [Int] = []
  /// Places that another port than before takes.
  package private(set) var taken: [Int] = []
  /// A line for each thing that differs; empty when nothing does.
  package private(set) var changes: [String] = []

  /// Why a configuration cannot be changed to, by field.
  package struct Refusal: Error, Equatable {
    package var problems: [Problem] = []

    package struct Problem: Equatable, Sendable {
      /// As `ports[1].interface`.
      package var field: String
      package var message: String
    }

    mutating func add(_ field: String, _ message: String) {
      problems.append(Problem(field: field, message: message))
    }
  }

  /// - Parameters:
  ///   - runningPlaces: of the running ports.
  ///   - lastPlace: the one that was taken last.
  ///   - started: the configuration of the start, by which capabilities were kept.
  package init(
    from running: Configuration, at runningPlaces: [Int], lastPlace: Int, started: Configuration,
    to wanted: Configuration
  ) throws(Refusal) {
    var refusal = Refusal()
    Self.checkFixed(running, wanted, &refusal)
    planPorts(running, runningPlaces, lastPlace, wanted, &refusal)
    checkInterfaces(running, started, wanted, &refusal)
    checkSplit(running, wanted, &refusal)
    guard refusal.problems.isEmpty else { throw refusal }
    noteSettings(running, wanted)
  }

  /// Opens one port anew; all else stays.
  init(opening index: Int, at places: [Int]) {
    self.places = places
    opened = [index]
    ended = [places[index]]
  }

  // MARK: Ports

  private mutating func planPorts(
    _ running: Configuration, _ runningPlaces: [Int], _ lastPlace: Int, _ wanted: Configuration,
    _ refusal: inout Refusal
  ) {
    let before = Dictionary(
      uniqueKeysWithValues: zip(running.ports, runningPlaces).map { ($0.lif.number, (port: $0, place: $1)) })
    // A place that ends now may still be in use for a moment, and one that ended lately by packets that wait:
    // the one that was left longest ago comes first.
    var free = (1...WorkerSetup.maxPorts).map { (lastPlace + $0) % WorkerSetup.maxPorts }
      .filter { !runningPlaces.contains($0) }[...]
    for (index, port) in wanted.ports.enumerated() {
      if let (old, place) = before[port.lif.number] {
        places.append(place)
        let isKept = old.source == port.source
        if !isKept {
          opened.append(index)
          ended.append(place)
        }
        if old != port { changes.append(Self.line(old, port, isKept: isKept)) }
      } else if let place = free.popFirst() {
        places.append(place)
        opened.append(index)
        taken.append(place)
        changes.append("port \(port.name) (LIF \(port.lif)) added")
      } else {
        refusal.add(
          "ports[\(index)]",
          "there is no place for it: \(WorkerSetup.maxPorts) ports, with those that go now: remove them first"
        )
        return
      }
    }
    let wantedLIFs = Set(wanted.ports.map(\.lif.number))
    for (port, place) in zip(running.ports, runningPlaces) where !wantedLIFs.contains(port.lif.number) {
      ended.append(place)
      changes.append("port \(port.name) (LIF \(port.lif)) removed")
    }
  }

  private static func line(_ old: Config.Port, _ new: Config.Port, isKept: Bool) -> String {
    var parts: [String] = []
    if old.name != new.name { parts.append("name, was \(old.name)") }
    if !isKept { parts.append("what it receives from, opened anew") }
    if old.peer != new.peer { parts.append("peer \(new.peer), was \(old.peer)") }
    if old.miss != new.miss { parts.append("miss \(new.miss), was \(old.miss)") }
    if old.learnedAction != new.learnedAction {
      parts.append("learn \(new.learnedAction), was \(old.learnedAction)")
    }
    if old.nonSession != new.nonSession {
      parts.append("non_session \(new.nonSession), was \(old.nonSession)")
    }
    if old.host != new.host {
      parts.append("host \(text(new.host)), was \(text(old.host))")
    }
    if old.addresses != new.addresses { parts.append("addresses") }
    if old.mac != new.mac { parts.append("mac") }
    return "port \(new.name) (LIF \(new.lif)) changed: \(parts.joined(separator: "; "))"
  }

  private static func text(_ lif: LIF?) -> String { lif.map { "\($0)" } ?? "none" }

  // MARK: What cannot be

  /// What opening an interface takes was dropped at the start unless some port needed it then; and an XDP
  /// program cannot be put beside another one, nor where packets of a running port would be taken away by it
  /// before all is sure.
  private func checkInterfaces(
    _ running: Configuration, _ started: Configuration, _ wanted: Configuration, _ refusal: inout Refusal
  ) {
    let kept = Capabilities.kept(for: started)
    let inUse = Dictionary(
      running.ports.compactMap(\.live).map { ($0.interface, $0) }, uniquingKeysWith: { first, _ in first })
    for index in opened {
      guard let live = wanted.ports[index].live else { continue }
      let field = "ports[\(index)].interface"
      let missing = Capabilities.needed(by: live).subtracting(kept)
      if !missing.isEmpty {
        refusal.add(
          field,
          "\(live.interface) needs \(missing.names), dropped at the start, when no port needed it: "
            + "restart to change it")
      }
      let running = inUse[live.interface]
      if let running, let kind = live.kindOpenedAlone ?? running.kindClosedWithInterface {
        refusal.add(
          field,
          "\(live.interface) is a port already, and \(kind) cannot be beside another port on it: remove "
            + "the port, reload, and add it; or restart")
      }
    }
  }

  private func checkSplit(
    _ running: Configuration, _ wanted: Configuration, _ refusal: inout Refusal
  ) {
    guard running.captures.split != nil || wanted.captures.split != nil,
      !opened.isEmpty || !ended.isEmpty
    else { return }
    refusal.add("ports", "captures.split deals one capture to the ports of the start: restart to change them")
  }

  // MARK: Other settings

  private mutating func noteSettings(_ running: Configuration, _ wanted: Configuration) {
    func note(_ name: String, _ differs: Bool) { if differs { changes.append("\(name) changed") } }
    note("timeouts", running.timeouts != wanted.timeouts)
    note("tcp_control", running.tcpControl != wanted.tcpControl)
    note("neighbors", running.neighbors != wanted.neighbors)
    note("routes", running.routes != wanted.routes)
    note("copies", running.copies != wanted.copies)
    note("captures", running.captures != wanted.captures)
    note("closed_retention", running.closedRetention != wanted.closedRetention)
    note("api.limits", running.api.limits != wanted.api.limits)
  }
}

extension Config.Port {
  /// What it receives from: the port without what changes in place. A key that is not named here is part of
  /// it.
  fileprivate var source: Config.Port {
    var source = self
    source.name = ""
    // Memory has the other direction of its traffic arrive there.
    if memory == nil { source.peer = lif }
    source.mac = Self.defaultMAC(for: lif)
    source.miss = .forward
    source.learnedAction = .forward
    source.nonSession = .forward
    source.host = nil
    source.addresses = []
    source.takesInterfaceMAC = false
    return source
  }
}

extension LivePortSettings {
  /// What it is called, when an interface can be opened but once in this way.
  fileprivate var kindOpenedAlone: String? {
    switch self {
    case .afPacket: nil
    case .afXDP: "AF_XDP"
    case .tap: "TAP"
    }
  }

  /// What it is called, when its interface may go with it.
  fileprivate var kindClosedWithInterface: String? { if case .tap = self { kindOpenedAlone } else { nil } }
}
