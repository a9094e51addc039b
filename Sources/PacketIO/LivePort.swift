import CLinuxPacket
package import Dataplane

/// A network interface as a port, of whatever kind; opened by the control side.
package enum LivePort: Sendable {
  case afPacket(AFPacketPort)
  case afXDP(AFXDPPort)
  case tap(TapPort)

  /// - Parameters:
  ///   - steering: of packets to workers, for ports that can have it.
  ///   - isAgain: whether it takes the place of one whose interface was made again.
  /// - Throws: what the kernel refuses, in words.
  package init(
    _ settings: LivePortSettings, at arrival: Arrival, workers: Int, steering: FanoutSteering?,
    isAgain: Bool = false
  ) throws(LivePortError) {
    switch settings {
    case .afPacket(let settings):
      self = .afPacket(try AFPacketPort(settings, at: arrival, workers: workers, steering: steering))
    case .afXDP(let settings): self = .afXDP(try AFXDPPort(settings, at: arrival, isAgain: isAgain))
    case .tap(let settings): self = .tap(try TapPort(settings, at: arrival, workers: workers))
    }
  }

  /// The interface's own Ethernet address; nil when the kernel does not tell: opening it says why.
  package static func address(of settings: LivePortSettings) -> MACAddress? {
    guard let found = try? LiveInterface.find(settings.interface) else { return nil }
    let octets = found.address
    let values = [octets.0, octets.1, octets.2, octets.3, octets.4, octets.5]
    return MACAddress(values.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  package var arrival: Arrival {
    switch self {
    case .afPacket(let port): port.arrival
    case .afXDP(let port): port.arrival
    case .tap(let port): port.arrival
    }
  }

  /// How it is on its interface, in a word or two.
  package var attachment: String {
    switch self {
    case .afPacket(let port): "ring v\(port.settings.version.rawValue)"
    case .afXDP(let port): port.program.isGeneric ? "generic" : "native"
    case .tap: ""
    }
  }

  /// What should be known though the port works.
  package var warnings: [String] {
    switch self {
    case .afPacket(let port): [port.warning].compactMap { $0 }
    case .afXDP(let port): port.warnings
    case .tap: []
    }
  }

  /// Why nothing comes or goes now, in words; nil while the interface is up. Asks the kernel.
  package var trouble: String? {
    switch self {
    case .afPacket(let port): port.trouble
    case .afXDP(let port): port.trouble
    case .tap(let port): port.trouble
    }
  }

  package func isSame(as other: LivePort) -> Bool {
    switch (self, other) {
    case (.afPacket(let port), .afPacket(let other)): port === other
    case (.afXDP(let port), .afXDP(let other)): port === other
    case (.tap(let port), .tap(let other)): port === other
    case (.afPacket, _), (.afXDP, _), (.tap, _): false
    }
  }

  /// Whether packets are dealt to the workers by their sessions.
  package var wantsSteering: Bool {
    if case .afPacket(let port) = self { port.settings.fanout == .sessions } else { false }
  }

  /// Whether it must be opened anew: its interface was made again, and its workers do not move by themselves.
  package var isOrphaned: Bool {
    if case .afXDP(let port) = self { port.isOrphaned } else { false }
  }

  /// Notes why it could not be.
  package func note(refusal text: String) {
    if case .afXDP(let port) = self { port.note(refusal: text) }
  }

  /// Lets packets come; those of AF_XDP come when the workers give the kernel frames, those of TAP wait.
  package func start() {
    if case .afPacket(let port) = self { port.start() }
  }

  /// Lets nothing come any more, once all workers have been given other queues.
  package func stop() {
    switch self {
    case .afPacket(let port): port.stop()
    case .afXDP(let port): port.program.detach()
    // Its queues take no more than what waited.
    case .tap: break
    }
  }

  /// One worker's queues on all ports, in their order.
  ///
  /// - Parameter counters: the worker's, of which the ports' parts are written.
  package static func queues(
    of ports: [LivePort], worker: Int, setup: WorkerSetup, counters: PortCounters
  ) throws(LivePortError) -> [LiveQueue] {
    let frames = AFXDPOpening(ports.compactMap(\.afXDP), setup)
    var xdp = try frames.queues(of: worker, counters: counters)[...]
    var queues: [LiveQueue] = []
    for port in ports {
      switch port {
      case .afPacket(let port):
        queues.append(.afPacket(try port.queue(of: worker, setup: setup, counters: counters)))
      case .tap(let port): queues.append(.tap(try port.queue(of: worker, setup: setup, counters: counters)))
      case .afXDP: if let queue = xdp.popFirst() { queues.append(.afXDP(queue)) }
      }
    }
    return queues
  }

  private var afXDP: AFXDPPort? {
    if case .afXDP(let port) = self { port } else { nil }
  }
}
