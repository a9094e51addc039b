package import Dataplane

/// How fast packets are let into a replay. Packet time is the capture's at any rate.
public enum ReplayRate: Sendable, Hashable {
  /// As fast as the worker takes them.
  case max
  /// As far apart as they were captured.
  case capture
  /// So many packets a second, above 0.
  case packetsPerSecond(Double)
}

/// Says when each packet of a replay is due in wall time. It reads no clock: wall time is an argument.
package struct ReplayPacer {
  /// Nanoseconds that a replay may lag before the delay is accepted: shorter ones are made up for.
  private static let mostLag: UInt64 = 1_000_000_000
  /// Packets after which the count begins again, so that its product with the interval stays exact.
  private static let span: UInt64 = 1 << 20

  private let rate: ReplayRate
  /// How many times faster than captured.
  private let multiplier: Double
  /// Nanoseconds between packets.
  private let interval: Double
  /// Wall time in nanoseconds at which the count, or the capture, is taken to have begun; nil before.
  private var anchor: UInt64?
  /// Packet time at the anchor.
  private var anchorTime: UInt64 = 0
  /// Packets let in since the anchor.
  private var count: UInt64 = 0

  /// - Parameter multiplier: how many times faster than captured, above 0; only for `capture`.
  package init(_ rate: ReplayRate, multiplier: Double = 1) {
    self.rate = rate
    self.multiplier = multiplier
    if case .packetsPerSecond(let packets) = rate { interval = 1e9 / packets } else { interval = 0 }
  }

  /// Nanoseconds until the next packet is due; 0 lets it in.
  ///
  /// - Parameters:
  ///   - time: the packet's time.
  ///   - now: wall time in nanoseconds, never running backwards.
  package mutating func wait(for time: PacketTime, now: UInt64) -> UInt64 {
    guard rate != .max else { return 0 }
    let due = due(time, now)
    guard now >= due else { return due - now }
    // What was late stays late: after a stop of minutes nobody wants a flood.
    if now - due > Self.mostLag { begin(time, now) }
    count += 1
    return 0
  }

  /// Wall time at which the packet is due.
  private mutating func due(_ time: PacketTime, _ now: UInt64) -> UInt64 {
    guard let anchor else {
      begin(time, now)
      return now
    }
    if rate == .capture {
      let (sum, overflow) = anchor.addingReportingOverflow(shortened(time.nanoseconds &- anchorTime))
      return overflow ? .max : sum
    }
    let due = anchor &+ UInt64(Double(count) * interval)
    if count >= Self.span {
      self.anchor = due
      count = 0
    }
    return due
  }

  /// Nanoseconds of the capture as they pass here. Packet time never runs backwards.
  private func shortened(_ nanoseconds: UInt64) -> UInt64 {
    if multiplier == 1 { return nanoseconds }
    return UInt64(exactly: (Double(nanoseconds) / multiplier).rounded()) ?? .max
  }

  private mutating func begin(_ time: PacketTime, _ now: UInt64) {
    anchor = now
    anchorTime = time.nanoseconds
    count = 0
  }
}
