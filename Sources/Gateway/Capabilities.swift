internal import CLinuxPacket
internal import PacketIO

/// What the process may do that others may not (capabilities(7)). A daemon keeps what it needs to open ports
/// again, and nothing else (design: privilege).
public struct Capabilities: OptionSet, Sendable {
  /// 1 << CAP_*.
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  public static let netAdmin = Capabilities(rawValue: 1 << 12)
  public static let netRaw = Capabilities(rawValue: 1 << 13)
  public static let bpf = Capabilities(rawValue: 1 << 39)

  /// Drops all others for this thread and those that it starts; to be called while there is no other. What
  /// threads do once at their start is allowed them by limits instead: to lock memory, and to run at
  /// real-time priority.
  public static func limit(to kept: Capabilities) throws(DaemonError) {
    sluice_raise_thread_limits()
    let number = sluice_limit_capabilities(kept.rawValue)
    guard number == 0 else {
      throw DaemonError(status: 1, message: "capabilities cannot be dropped: \(errorText(number))")
    }
  }
}
