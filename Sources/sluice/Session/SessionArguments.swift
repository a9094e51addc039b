import ArgumentParser
import Dataplane

/// The options of `session add` that describe one session; the fields of the API's SessionRequest.
struct SessionArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Its id, 1 to 2^62-1. (default: the daemon chooses)", valueName: "id"))
  var id: UInt64?

  @Option(
    help: ArgumentHelp(
      "Where the initiator's packets arrive; N/VLAN for tagged ones. With --file: of entries that name none.",
      valueName: "n"))
  var inlif: LIF?

  @Option(help: ArgumentHelp("Where the responder's packets arrive.", valueName: "n"))
  var outlif: LIF?

  @Option(help: ArgumentHelp("Initiator: 10.0.0.1:1234 or [2001:db8::1]:1234.", valueName: "endpoint"))
  var source: Endpoint?

  @Option(help: ArgumentHelp("Responder.", valueName: "endpoint"))
  var destination: Endpoint?

  @Option(name: .customLong("protocol"), help: "tcp or udp.")
  var transport: SessionProtocol?

  @Option(help: "What becomes of its packets: drop, forward, mirror or snoop.")
  var action: Action?

  @Option(help: ArgumentHelp("Where the copies of mirror and snoop go.", valueName: "address"))
  var nextHop: IPAddress?

  @Option(
    help: ArgumentHelp(
      "Seconds of idleness after which it ends. (default: the daemon's)", valueName: "seconds"))
  var timeout: UInt32?

  /// Options that describe a session by themselves, as they were given.
  var given: [String] {
    let options: [(String, Bool)] = [
      ("--id", id != nil), ("--source", source != nil), ("--destination", destination != nil),
      ("--protocol", transport != nil), ("--action", action != nil), ("--next-hop", nextHop != nil),
      ("--timeout", timeout != nil),
    ]
    return options.filter(\.1).map(\.0)
  }

  /// The session.
  ///
  /// - Throws: `ValidationError` that names what is missing or contradicts.
  func request() throws -> SessionRequest {
    guard let source, let destination, let transport, let action else {
      throw ValidationError(
        "a session needs --source, --destination, --protocol and --action; or --file with many of them")
    }
    guard source.address.family == destination.address.family else {
      throw ValidationError("--source and --destination: one is IPv4, the other IPv6")
    }
    if let id, id == 0 || id >= SessionID.serverBit {
      throw ValidationError("--id \(id): accepted: 1 to \(SessionID.serverBit - 1); leave it out to get one")
    }
    let copies = action == .mirror || action == .snoop
    if copies, nextHop == nil {
      throw ValidationError("--next-hop: \(action.word) needs the address of its copies")
    }
    if !copies, nextHop != nil {
      throw ValidationError("--next-hop: \(action.word) makes no copies; leave it out")
    }
    return SessionRequest(
      id: id.map { SessionID($0) } ?? .unassigned, inLIF: inlif ?? .any, outLIF: outlif ?? .any,
      tuple: FiveTuple(
        source: source.address, sourcePort: source.port, destination: destination.address,
        destinationPort: destination.port, transport: transport),
      action: action, nextHop: nextHop, cacheTimeout: timeout ?? 0)
  }

  /// An entry of a file, with LIFs where it names none.
  func completed(_ request: SessionRequest) -> SessionRequest {
    var request = request
    request.inLIF = Self.completed(request.inLIF, inlif)
    request.outLIF = Self.completed(request.outLIF, outlif)
    return request
  }

  /// The number of `other` where `lif` has none, and its VLAN too unless `lif` has one.
  private static func completed(_ lif: LIF, _ other: LIF?) -> LIF {
    guard let other, lif.number == 0 else { return lif }
    return LIF(number: other.number, vlan: lif.vlan == 0 ? other.vlan : lif.vlan)
  }
}
