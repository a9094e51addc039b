package import Dataplane

/// A network interface as a port, of whatever kind; opened by the control side.
package enum LivePort: Sendable {
  case afPacket(AFPacketPort)
  case afXDP(AFXDPPort)
  case tap(TapPort)

  /// - Parameter steering: of packets to workers, for ports that can have it.
  /// - Throws: what the kernel refuses, in words.
  package init(
    _ settings: LivePortSettings, at arrival: Arrival, workers: Int, steering: FanoutSteering?
  ) throws(LivePortError) {
    switch settings {
    case .afPacket(let settings):
      self = .afPacket(try AFPacketPort(settings, at: arrival, workers: workers, steering: steering))
    case .afXDP(let settings): self = .afXDP(try AFXDPPort(settings, at: arrival))
    case .tap(let settings): self = .tap(try TapPort(settings, at: arrival, workers: workers))
    }
  }

  package var arrival: Arrival {
    switch self {
    case .afPacket(let port): port.arrival
    case .afXDP(let port): port.arrival
    case .tap(let port): port.arrival
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

  /// Lets packets come; those of AF_XDP come when the workers give the kernel frames, those of TAP wait.
  package func start() {
    if case .afPacket(let port) = self { port.start() }
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
