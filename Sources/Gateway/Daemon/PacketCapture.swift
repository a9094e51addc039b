internal import Config
public import Dataplane
internal import Dispatch
internal import PacketIO

/// A capture of what the workers of a daemon decide on, from `Daemon.capture` to `Daemon.end`.
public final class PacketCapture: Sendable {
  /// Which packets.
  public struct Request: Sendable {
    public enum Direction: Sendable { case arriving, leaving, both }

    /// A port's name; nil for all ports.
    public var port: String?
    /// Packets with this session's 5-tuple; nil for all.
    public var session: SessionID?
    /// Dropped packets only, with a reason's name those dropped for it.
    public var isDroppedOnly = false
    public var reason: String?
    /// nil: as they arrive, at a port that is named also as they leave.
    public var direction: Direction?
    /// pcap-filter(7).
    public var filter: String?
    /// Bytes kept of each packet, 1...65,535.
    public var snapLength: UInt32 = 65_535

    public init() {}
  }

  /// One packet.
  public struct Packet: Sendable {
    /// Nanoseconds since the Unix epoch, UTC.
    public var time: UInt64
    public var port: String
    public var isLeaving: Bool
    public var verdict: Verdict.Kind
    /// Set when it was dropped.
    public var reason: DropReason?
    /// LINKTYPE_ number.
    public var link: UInt16
    public var originalLength: UInt32
    public var bytes: [UInt8]
  }

  /// Why there is no capture; the message says what to change.
  public enum Refusal: Error, Sendable {
    case invalid(String)
    case noSuchSession(String)
    case tooMany(String)
  }

  /// By worker.
  let taps: [PacketTap]
  private let wallTime: @Sendable (PacketTime) -> UInt64
  private let ports: [UInt16: String]

  init(
    _ selection: PacketTap.Selection, workers: Int, ports: [UInt16: String],
    wallTime: @escaping @Sendable (PacketTime) -> UInt64
  ) {
    taps = (0..<workers).map { _ in PacketTap(selection) }
    self.ports = ports
    self.wallTime = wallTime
  }

  /// Packets that nobody took in time.
  public var lost: UInt64 { taps.reduce(0) { $0 + $1.ring.lostCount } }

  /// Takes what has come, about `byteCount` bytes at most, each worker's in its order. One caller at a time.
  public func take(atMost byteCount: Int) -> [Packet] {
    var packets: [Packet] = []
    for tap in taps {
      var left = byteCount / taps.count
      while left > 0, let (header, bytes) = tap.ring.take() {
        packets.append(
          Packet(
            time: wallTime(header.time), port: ports[header.lif] ?? "lif-\(header.lif)",
            isLeaving: header.isLeaving, verdict: header.verdict,
            reason: header.verdict == .drop ? header.reason : nil, link: header.link.number,
            originalLength: header.originalLength, bytes: bytes))
        left -= bytes.count + Self.overhead
      }
    }
    return packets
  }

  /// What a packet takes beside its bytes, about.
  private static let overhead = 64
}

extension Daemon {
  /// Captures at the same time: each has memory for every worker.
  private static let mostCaptures = 4

  /// Begins a capture. Whoever began it ends it.
  public func capture(_ request: PacketCapture.Request) async throws(PacketCapture.Refusal) -> PacketCapture {
    let isAllowed = captures.withLock { count in
      guard count < Self.mostCaptures else { return false }
      count += 1
      return true
    }
    guard isAllowed else {
      throw .tooMany("\(Self.mostCaptures) captures run already, which is the limit")
    }
    let selection: PacketTap.Selection
    do throws(PacketCapture.Refusal) {
      selection = try await self.selection(request)
    } catch {
      captures.withLock { $0 -= 1 }
      throw error
    }
    let sessions = sessions
    let capture = PacketCapture(
      selection, workers: configuration.workers,
      ports: configuration.portNames,
      wallTime: { sessions.wallTime($0) })
    await sessions.run(capture.taps.map { .tap($0) })
    return capture
  }

  /// Ends a capture; what it has seen can still be taken.
  public func end(_ capture: PacketCapture) async {
    await sessions.run(capture.taps.map { .untap($0) })
    captures.withLock { $0 -= 1 }
  }

  /// Which packets a request means.
  func selection(
    _ request: PacketCapture.Request
  ) async throws(PacketCapture.Refusal) -> PacketTap.Selection {
    var selection = PacketTap.Selection()
    if let name = request.port {
      guard let port = configuration.ports.first(where: { $0.name == name }) else {
        let names = configuration.ports.map(\.name).joined(separator: ", ")
        throw .invalid("port \(name) is not configured; accepted: \(names.isEmpty ? "none" : names)")
      }
      selection.lif = port.lif.number
    }
    if let name = request.reason {
      guard let reason = DropReason.allCases.first(where: { $0.name == name }) else {
        throw .invalid("drop_reason \(name) is not known; sluice show drops lists those that occur")
      }
      selection.reason = reason
    }
    selection.isDroppedOnly = request.isDroppedOnly || request.reason != nil
    switch request.direction {
    case .arriving: selection.sees = (true, false)
    case .leaving: selection.sees = (false, true)
    case .both: selection.sees = (true, true)
    case nil: selection.sees = (true, request.port != nil)
    }
    if let id = request.session {
      guard let session = await sessions.session(id) else {
        throw .noSuchSession("there is no session \(id), live or closed and retained")
      }
      selection.filters.append(try await filter(of: session.tuple))
    }
    if let expression = request.filter {
      selection.filters.append(try await compiled(expression, called: "filter \"\(expression)\""))
    }
    selection.snapLength = min(max(request.snapLength, 1), 65_535)
    return selection
  }

  /// Packets of a 5-tuple in both directions, under any two tags.
  private func filter(of tuple: FiveTuple) async throws(PacketCapture.Refusal) -> TapFilter {
    func way(_ source: IPAddress, _ port: UInt16, _ other: IPAddress, _ otherPort: UInt16) -> String {
      "(\(tuple.transport) and src host \(source) and src port \(port) and dst host \(other)"
        + " and dst port \(otherPort))"
    }
    let (a, b) = (tuple.source, tuple.destination)
    let (p, q) = (tuple.sourcePort, tuple.destinationPort)
    let plain = "(\(way(a, p, b, q)) or \(way(b, q, a, p)))"
    // "vlan" moves what follows it behind a tag.
    let tagged = "\(plain) or (vlan and (\(plain) or (vlan and \(plain))))"
    return try await compiled(tagged, elsewhere: plain, called: "the session's filter")
  }

  /// Instructions of a filter: a worker runs them for every packet.
  private static let longestProgram = 256

  /// Compiles a filter on a thread where nobody waits: libpcap may ask the network for names.
  private func compiled(
    _ expression: String, elsewhere: String? = nil, called name: String
  ) async throws(PacketCapture.Refusal) -> TapFilter {
    let result = await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        continuation.resume(
          returning: Result { () throws(PacketFilter.Refusal) in
            try TapFilter(expression, elsewhere: elsewhere)
          })
      }
    }
    switch result {
    case .success(let filter):
      guard filter.longestProgram <= Self.longestProgram else {
        throw .invalid(
          "\(name) takes \(filter.longestProgram) instructions a packet; accepted: \(Self.longestProgram)")
      }
      return filter
    case .failure(let refusal): throw .invalid("\(name): \(refusal.message)")
    }
  }
}

extension Configuration {
  /// The names of its ports by LIF number.
  var portNames: [UInt16: String] { Dictionary(uniqueKeysWithValues: ports.map { ($0.lif.number, $0.name) }) }
}
