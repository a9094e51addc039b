internal import CLinuxPacket
public import Config
internal import PacketIO

/// What the process may do that others may not (capabilities(7)). A daemon keeps what it needs to open ports
/// again, and nothing else (design: privilege).
public struct Capabilities: OptionSet, Sendable {
  /// 1 << CAP_*.
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  public static let netAdmin = Capabilities(rawValue: 1 << 12)
  public static let netRaw = Capabilities(rawValue: 1 << 13)
  public static let ipcLock = Capabilities(rawValue: 1 << 14)
  public static let sysNice = Capabilities(rawValue: 1 << 23)

  /// What a daemon with these ports may have to do again while it runs: to open a packet socket for a ring
  /// that has stalled (CAP_NET_RAW), with room for super-frames (CAP_NET_ADMIN), and to make a TAP interface
  /// that was deleted (CAP_NET_ADMIN). The programs that keep the
  /// kernel's stack off are loaded once, and attached again without it; all of AF_XDP stays by descriptors:
  /// CAP_BPF is not kept, and for AF_XDP nothing is.
  public static func kept(for configuration: Configuration) -> Capabilities {
    configuration.ports.reduce(into: []) { kept, port in
      switch port.live {
      case .afPacket: kept.formUnion([.netRaw, .netAdmin])
      case .tap: kept.insert(.netAdmin)
      case .afXDP, nil: break
      }
    }
  }

  /// Drops all others for this thread and those that it starts; to be called while there is no other. What
  /// threads do once at their start is allowed them by limits instead: to lock memory, and to run at
  /// real-time priority. Where a limit cannot be raised, as without CAP_SYS_RESOURCE, what `threads` asks for
  /// keeps its capability: memory that cannot be locked cannot be mapped either after mlockall(2).
  public static func limit(to kept: Capabilities, for threads: WorkerSettings) throws(DaemonError) {
    sluice_raise_thread_limits()
    var kept = kept
    if threads.locksMemory, !sluice_may_lock_all() { kept.insert(.ipcLock) }
    if let priority = threads.fifoPriority, !sluice_may_have_priority(Int32(priority)) {
      kept.insert(.sysNice)
    }
    let number = sluice_limit_capabilities(kept.rawValue)
    guard number == 0 else {
      throw DaemonError(status: 1, message: "capabilities cannot be dropped: \(errorText(number))")
    }
  }
}
