import Config
import Dataplane
import PacketIO

/// Which captures arrive on which ports, and what the ports do: options and configuration brought together.
struct ReplayPlan {
  let sources: [ReplaySources.Source]
  let ports: [WorkerSetup.Port]
  let workers: Int

  /// - Throws: `.usage` when captures, ports and options contradict each other.
  init(_ options: ReplayOptions) throws(ReplayError) {
    workers = options.workers ?? options.configuration.workers
    guard (1...64).contains(workers) else {
      throw ReplayError(.usage, "--workers \(workers): accepted: 1...64")
    }
    let configured = options.configuration.ports
    if configured.isEmpty {
      sources = try Self.sources(options.captures)
      ports = Self.plainPorts(count: options.captures.count, learn: options.learn)
    } else {
      sources = try Self.sources(options.captures, configured)
      ports = configured.map { Self.port($0, learn: options.learn) }
    }
    guard !sources.isEmpty else {
      throw ReplayError(
        .usage, "no capture to replay: name one, or give a port a \"capture\" in the configuration")
    }
  }

  /// Without configured ports: LIF i for the i-th capture.
  private static func sources(_ captures: [String]) throws(ReplayError) -> [ReplaySources.Source] {
    guard captures.count <= WorkerSetup.maxPorts else {
      throw ReplayError(
        .usage, "\(captures.count) captures: at most \(WorkerSetup.maxPorts) can be replayed together")
    }
    return captures.enumerated().map { index, file in
      ReplaySources.Source(file: file, lif: UInt16(index + 1), port: UInt8(index))
    }
  }

  /// With configured ports: the i-th capture arrives on the i-th port; without captures, on each port its
  /// own.
  private static func sources(
    _ captures: [String], _ ports: [Config.Port]
  ) throws(ReplayError) -> [ReplaySources.Source] {
    guard ports.count <= WorkerSetup.maxPorts else {
      throw ReplayError(.usage, "\(ports.count) ports are configured: at most \(WorkerSetup.maxPorts)")
    }
    guard captures.count <= ports.count else {
      throw ReplayError(
        .usage,
        "\(captures.count) captures but \(ports.count) configured ports: configure a port for each capture")
    }
    let files: [String?] = captures.isEmpty ? ports.map(\.capture) : captures
    return zip(files, ports).enumerated().compactMap { index, pair in
      pair.0.map { ReplaySources.Source(file: $0, lif: pair.1.lif.number, port: UInt8(index)) }
    }
  }

  /// With exactly two LIFs each is the other's peer, otherwise each is its own.
  private static func plainPorts(count: Int, learn: Action?) -> [WorkerSetup.Port] {
    (0..<count).map { index in
      let lif = UInt16(index + 1)
      return WorkerSetup.Port(
        lif: lif, peer: count == 2 ? 3 - lif : lif, miss: learn == nil ? .forward : .learn,
        learnedAction: learn ?? .forward, nonSession: .forward,
        mac: Config.Port.defaultMAC(for: LIF(number: lif)))
    }
  }

  private static func port(_ port: Config.Port, learn: Action?) -> WorkerSetup.Port {
    WorkerSetup.Port(
      lif: port.lif.number, peer: port.peer.number, miss: learn == nil ? port.miss : .learn,
      learnedAction: learn ?? port.learnedAction, nonSession: port.nonSession, mac: port.mac)
  }
}
