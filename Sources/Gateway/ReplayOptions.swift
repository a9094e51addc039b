public import Config
public import Dataplane
public import PacketIO

/// What a replay is asked to do: the command line and the configuration, read but not yet checked together.
public struct ReplayOptions: Sendable {
  /// The capture that comes on standard input.
  public static let standardInput = "-"

  /// Capture files, in the order of the ports they arrive on; `standardInput` among them at most once.
  public var captures: [String]
  public var configuration = Configuration()
  /// Sessions beside the configuration's own.
  public var sessions: [SessionRequest] = []
  /// Makes every port learn, with this action.
  public var learn: Action?
  /// Overrides the configuration's number of workers.
  public var workers: Int?
  /// A filter expression of tcpdump: packets for which it is not true are left out.
  public var filter: String?
  /// Deals the packets of one capture to two LIFs.
  public var split: TrafficSplit?
  public var rate = ReplayRate.max
  /// How many times faster than captured, above 0, where the rate is that of the captures.
  public var multiplier = 1.0
  /// How often the captures are replayed, 1 or more; nil for no end.
  public var rounds: UInt64? = 1
  /// Directory for written captures.
  public var writeDirectory: String?
  /// Files beside the captures that are read and must not be overwritten.
  public var protectedFiles: [String] = []
  /// Packets whose journeys are told, the first ones; at most ``JourneyTrace/mostPackets``.
  public var traced = 0
  /// Whether sessions are reported as they end.
  public var reportsSessions = false
  /// Packets a worker takes at once, 1...256. A capture's are all there already: the more share what a burst
  /// costs, the better.
  public var burstLimit = 256

  public init(captures: [String]) { self.captures = captures }
}

/// Why a replay cannot begin or ended early.
public struct ReplayError: Error, CustomStringConvertible, Equatable {
  /// Tells usage and configuration (exit status 2) from failures (1).
  public enum Code: Sendable, Equatable { case usage, failed }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
