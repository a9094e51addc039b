import Dataplane

/// Tells one pass of a traced packet. It looks at what the worker noted and decides nothing anew.
struct JourneyTeller {
  let pass: TracedPass
  let packet: JourneyPacket
  let ports: PortNames

  func steps(isFirst: Bool, isLast: Bool) -> [Journey.Step] {
    var steps = [arrival]
    if isFirst { steps.append(step("parse", packet.description, packet.details)) }
    // What is malformed ends there.
    if packet.malformed == nil {
      steps += [fragment, screen, hash, session, policy, rewrite].compactMap(\.self)
    }
    steps += [copy, route, handOff, transmit].compactMap(\.self)
    if isLast { steps.append(verdict) }
    return steps
  }

  func step(
    _ name: String, _ text: String, _ details: [(name: String, value: String)] = []
  ) -> Journey.Step {
    Journey.Step(name: name, worker: Int(pass.worker), text: text, details: details)
  }

  // MARK: How it came

  private var arrival: Journey.Step {
    if pass.hadWaited { return step("resume", "it has waited for its datagram's first fragment until now") }
    if pass.isHandedOff { return step("takeOver", "from the worker that had it before") }
    let cut = pass.capturedLength < pass.originalLength ? ", \(pass.capturedLength) of them captured" : ""
    return step(
      "receive", "\(ports.text(pass.lif)), \(pass.originalLength) bytes\(cut)",
      [
        ("port", ports.name(pass.lif)), ("lif", "\(pass.lif)"), ("queue", "\(pass.worker)"),
        ("length", "\(pass.originalLength)"), ("capturedLength", "\(pass.capturedLength)"),
        ("link", "\(pass.link)"),
      ])
  }

  private var fragment: Journey.Step? {
    guard packet.isFragment else { return nil }
    let text: String
    var details = [(name: "follows", value: "\(pass.fate.kind)")]
    switch pass.fate.kind {
    case .first: text = "first of its datagram: later ones follow it"
    case .ports:
      text =
        "follows its datagram's first one: \(pass.fate.isTCP ? "TCP" : "UDP") port "
        + "\(pass.fate.sourcePort) to \(pass.fate.destinationPort)"
      details += [
        ("sourcePort", "\(pass.fate.sourcePort)"), ("destinationPort", "\(pass.fate.destinationPort)"),
      ]
    case .association: return nil
    case .withoutPorts: text = "follows its datagram's first one, which has no ports"
    case .drop: text = "its datagram was given up: \(pass.fate.reason.name)"
    case .unknown:
      guard pass.final.kind == .hold, pass.route == nil else { return nil }
      text = "waits for its datagram's first one"
      details = []
    }
    return step("fragment", text, details)
  }

  private var hash: Journey.Step? {
    guard pass.hasKey else { return nil }
    let hash = "0x" + hexadecimal(pass.hash, digits: 16)
    return step(
      "hash", "\(hash): owned by worker \(pass.worker), this one",
      [("hash", hash), ("owner", "\(pass.worker)")])
  }

  // MARK: How it was decided

  /// Whether a session had its say.
  private var isHit: Bool { pass.hasKey && !pass.missed && !isUnrelatedError }

  /// An ICMP error that quotes no packet of a session that lives.
  private var isUnrelatedError: Bool {
    guard pass.isICMPError else { return false }
    return pass.before.map { $0.isExpired || $0.state.isClosed } ?? true
  }

  private var session: Journey.Step? {
    guard pass.hasKey else { return nil }
    guard isHit, let found = pass.before ?? pass.after else { return ended }
    let snapshot = found.snapshot
    let side = found.isFromInitiator ? "initiator" : "responder"
    let now = pass.after.flatMap { $0.snapshot.id == snapshot.id ? $0.state : nil }
    let isChanged = now.map { $0 != found.state } ?? false
    let state = isChanged ? "\(found.state) to \(now.map { "\($0)" } ?? "")" : "\(found.state)"
    let about = pass.isICMPError ? ", quoted by this ICMP error" : ""
    var details = [
      ("session", "\(snapshot.id)"), ("action", "\(snapshot.action)"), ("side", side),
      ("stateBefore", "\(found.state)"), ("stateAfter", "\(now ?? found.state)"),
    ]
    if pass.isICMPError { details.append(("icmpError", "true")) }
    return step(
      "session", "\(snapshot.id)\(about): \(snapshot.action), from its \(side), \(state)", details)
  }

  /// No session for this packet: because there is none, or since the one that there was ended by it.
  private var ended: Journey.Step? {
    guard let before = pass.before, before.snapshot.id != pass.after?.snapshot.id || before.isExpired else {
      return step("session", pass.isICMPError ? "none of the packet that it quotes" : "none")
    }
    let id = before.snapshot.id
    let text =
      before.isExpired ? "none: \(id) was over by its timeout" : "none: \(id) ends, a new connection begins"
    return step("session", text, [("ended", "\(id)"), ("stateBefore", "\(before.state)")])
  }

  private var policy: Journey.Step? {
    guard let port = ports[pass.lif], !pass.isScreened else { return nil }
    if isHit {
      guard pass.decided.kind == .punt else { return nil }
      return step(
        "policy", "tcp_control punt: SYN, FIN and RST go to the host port", [("tcpControl", "punt")])
    }
    if pass.missed { return miss(port) }
    // Malformed, waiting, or another worker's to decide.
    guard ![.hold, .handOff].contains(pass.decided.kind), pass.hasKey == pass.isICMPError else { return nil }
    if pass.decided.kind == .drop, pass.decided.reason != .nonSessionDrop { return nil }
    let text = pass.isICMPError ? "" : "it cannot have a session: "
    return step("policy", "\(text)non_session \(port.nonSession)", [("nonSession", "\(port.nonSession)")])
  }

  private func miss(_ port: PortNames.Port) -> Journey.Step {
    var details = [(name: "miss", value: "\(port.miss)")]
    var text = "miss \(port.miss)"
    if pass.learnFailed {
      text += ": no session could be opened, it goes as if"
      details.append(("learnFailed", "true"))
    } else if port.miss == .learn, let opened = pass.after {
      text += ": session \(opened.snapshot.id) opened, \(opened.snapshot.action), \(opened.state)"
      details += [("opened", "\(opened.snapshot.id)"), ("stateAfter", "\(opened.state)")]
    } else if port.miss == .learn, pass.decided.kind == .punt {
      text += ", tcp_control punt: nobody learns from SYN, FIN and RST"
    }
    return step("policy", text, details)
  }

  // MARK: How it left

  private var rewrite: Journey.Step? {
    guard pass.decided.kind.isSent, pass.decided.vlan != Verdict.keepVLAN else { return nil }
    let vlan = pass.decided.vlan
    return step(
      "rewrite", vlan == 0 ? "its VLAN tag is taken off" : "put on VLAN \(vlan)",
      [("vlan", "\(vlan)"), ("bytesGrown", "\(pass.bytesGrown)")])
  }

  private var copy: Journey.Step? {
    guard let copy = pass.copy else { return nil }
    let out = [("outPort", ports.name(copy.outLIF)), ("outLIF", "\(copy.outLIF)")]
    if copy.waits {
      return step(
        "copy", "waits for the address of the next hop, by \(ports.text(copy.outLIF))",
        [("length", "\(copy.originalLength)"), ("waits", "true")] + out)
    }
    if copy.failed {
      let isMade = copy.outLIF != 0 && copy.originalLength > 0
      return step(
        "copy",
        isMade ? "not accepted by \(ports.text(copy.outLIF))" : "not made: no neighbour, or no buffer",
        [("failed", "true")] + (isMade ? out : []))
    }
    return step(
      "copy", "\(copy.originalLength) bytes for the next hop, by \(ports.text(copy.outLIF))",
      [("length", "\(copy.originalLength)")] + out)
  }

  private var handOff: Journey.Step? {
    guard pass.decided.kind == .handOff else { return nil }
    let owner = pass.decided.worker
    let isTaken = pass.final.kind == .handOff
    return step(
      "handOff", isTaken ? "to worker \(owner), its owner" : "to worker \(owner): its ring is full",
      [("owner", "\(owner)"), ("accepted", "\(isTaken)")])
  }

  private var transmit: Journey.Step? {
    let kind = pass.decided.kind
    guard kind.isSent, pass.route == nil || pass.route?.mac != nil else { return nil }
    let lif = pass.route?.outLIF ?? pass.decided.outLIF
    guard lif != 0 else { return step("transmit", "there is no host port: it is counted", []) }
    let isAccepted = pass.final.kind == kind
    let details = [
      ("outPort", ports.name(lif)), ("outLIF", "\(lif)"), ("accepted", "\(isAccepted)"),
    ]
    let text = isAccepted ? "accepted" : "refused, \(pass.final.reason.name)"
    return step("transmit", "\(ports.text(lif)): \(text)", details)
  }

  private var verdict: Journey.Step {
    let kind = pass.final.kind
    guard kind == .drop else { return step("verdict", "\(kind)", [("verdict", "\(kind)")]) }
    let reason = pass.final.reason
    return step(
      "verdict", "drop, \(reason.name): \(reason.sentence)",
      [("verdict", "drop"), ("dropReason", reason.name)])
  }
}
