import Dataplane

/// What routed ports do with a packet (docs/routing.md).
extension JourneyTeller {
  /// What such a port ended before it could look for a session.
  var screen: Journey.Step? {
    guard pass.isScreened else { return nil }
    switch pass.decided.kind {
    case .drop:
      let name = pass.decided.reason.name
      return step("screen", "dropped, \(name)", [("ends", "drop"), ("dropReason", name)])
    case .punt: return step("screen", "for an address of ours: punted", [("ends", "punt")])
    case .handOff: return step("screen", "for an address of ours, of another worker", [("ends", "handOff")])
    default: return step("screen", "for us: answered or noted, it ends here", [("ends", "consume")])
    }
  }

  /// By which port, and to which neighbour, the route table sends it.
  var route: Journey.Step? {
    guard let route = pass.route else { return nil }
    guard let hop = route.nextHop else {
      return step("route", "none: \(pass.final.reason.name)", [("failed", pass.final.reason.name)])
    }
    var details = [
      ("nextHop", "\(hop)"), ("outPort", ports.name(route.outLIF)), ("outLIF", "\(route.outLIF)"),
      ("timeToLive", "\(route.timeToLive)"),
    ]
    let way = "to \(hop) by \(ports.text(route.outLIF))"
    if let mac = route.mac {
      details.append(("mac", "\(mac)"))
      return step("route", "\(way): \(mac), \(route.timeToLive) hops left", details)
    }
    if route.waits {
      details.append(("waits", "true"))
      return step("route", "\(way): waits until it answers with its Ethernet address", details)
    }
    details.append(("failed", pass.final.reason.name))
    return step("route", "\(way): \(pass.final.reason.name)", details)
  }
}
