import CLinuxPacket
import Dataplane
public import PacketIO

/// Captures sent by a network interface as they are: `replay --port`. No worker sees the packets.
public final class PortReplay: Sendable {
  /// How far it is; `stop()` on it ends the run in good order.
  public let progress: ReplayProgress
  private let interface: String
  private let input: ReplayInput

  /// Opens the captures. The interface is looked at by `run`.
  ///
  /// - Parameters:
  ///   - options: captures, filter, rate, multiplier and rounds; nothing else has a meaning here.
  ///   - interface: the name of the interface that sends.
  /// - Throws: `ReplayError`, also for captures that cannot be read and for link types other than Ethernet.
  public init(_ options: ReplayOptions, by interface: String) throws(ReplayError) {
    self.interface = interface
    let input = try ReplayInput(options)
    self.input = input
    progress = input.progress
    for (port, link) in input.sources.links.sorted(by: { $0.key < $1.key }) where link.number != 1 {
      throw ReplayError(
        .failed,
        "\(input.sources.file(ofPort: port) ?? ""): its packets have link type \(link.number): --port "
          + "sends Ethernet frames (link type 1), and makes none of others")
    }
  }

  /// Sends everything, or until it is stopped.
  ///
  /// - Parameter onTick: called some times a second, with what has been sent so far.
  /// - Returns: what was sent; its `error` says when the captures ended early.
  /// - Throws: `.failed` when the interface cannot be sent by.
  public func run(onTick: (TransmissionCounts) -> Void) throws(ReplayError) -> TransmissionSummary {
    do throws(LivePortError) {
      var transmission = try CaptureTransmission(
        input.sources, shaping: input.shaping, by: interface, progress: progress)
      let counts = transmission.run(onTick: onTick)
      return TransmissionSummary(interface: interface, counts: counts, progress: progress)
    } catch {
      throw ReplayError(.failed, "--port: \(error.description)")
    }
  }
}

/// What `replay --port` did.
public struct TransmissionSummary: Sendable {
  public let interface: String
  public let counts: TransmissionCounts
  /// Rounds of the captures that were begun.
  public let rounds: UInt64
  /// Packets that a filter left out: they are in no other count.
  public let filteredOut: UInt64
  /// Packets whose time lay more than a day ahead, or behind.
  public let timeJumps: UInt64
  public let timeReversals: UInt64
  /// CPU time of the process since it began, in seconds.
  public let cpuSeconds: Double
  /// What ended the captures early; nil when they came to their proper end.
  public let error: CaptureError?

  init(interface: String, counts: TransmissionCounts, progress: ReplayProgress) {
    self.interface = interface
    self.counts = counts
    rounds = progress.rounds
    filteredOut = progress.filteredOut
    timeJumps = progress.timeJumps
    timeReversals = progress.timeReversals
    cpuSeconds = Double(sluice_process_cpu_ns()) / 1e9
    error = progress.error
  }

  public var packetsPerSecond: Double { rate(counts.packets) }
  public var bitsPerSecond: Double { rate(counts.bytes) * 8 }

  private func rate(_ count: UInt64) -> Double {
    counts.seconds > 0 ? Double(count) / counts.seconds : 0
  }

  /// A kind of packets that could not be sent, why, and which was the first.
  public func sentence(_ reason: TransmissionFailure) -> String {
    let what =
      switch reason {
      case .oversized: "longer than the MTU of \(interface)"
      case .notEthernet: "of a link type other than Ethernet"
      case .cut: "cut by the capture's snap length"
      case .portDown: "\(interface) was down, or had no carrier"
      case .noRoom: "\(interface) had no room for a second"
      case .refused: "refused by the kernel"
      }
    guard let failures = counts.failures[reason] else { return what }
    let said = reason == .refused ? ": " + errorText(failures.firstError) : ""
    let first = "the first is packet \(failures.firstPacket), of \(failures.firstLength) bytes"
    return "\(what)\(said); \(first)" + mend(reason, failures)
  }
  /// What would let such packets through; nothing where that is for the capture to have.
  private func mend(_ reason: TransmissionFailure, _ failures: TransmissionCounts.Failures) -> String {
    // Untagged; with tags a little less would do.
    let mtu = Int(failures.longest) - EthernetHeader.size
    return switch reason {
    case .oversized: ": ip link set \(interface) mtu \(mtu)"
    case .portDown: ": ip link set \(interface) up"
    case .noRoom: ": a lower --rate leaves it room"
    case .notEthernet, .cut, .refused: ""
    }
  }
}
