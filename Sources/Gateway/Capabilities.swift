internal import CLinuxPacket
public import Config
import PacketIO

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
  public static let bpf = Capabilities(rawValue: 1 << 39)

  /// Those that opening a port takes again while the daemon runs.
  static func needed(by port: LivePortSettings) -> Capabilities {
    switch port {
    case .afPacket: [.netRaw, .netAdmin]
    case .afXDP: [.netRaw, .netAdmin, .bpf]
    case .tap: .netAdmin
    }
  }

  /// As capabilities(7) calls them.
  var names: String {
    let all: [(Capabilities, String)] = [
      (.netAdmin, "CAP_NET_ADMIN"), (.netRaw, "CAP_NET_RAW"), (.ipcLock, "CAP_IPC_LOCK"),
      (.sysNice, "CAP_SYS_NICE"), (.bpf, "CAP_BPF"),
    ]
    return all.filter { contains($0.0) }.map(\.1).joined(separator: ", ")
  }

  /// What a daemon with these ports may have to do again while it runs: to open sockets for a ring that has
  /// stalled, an interface that was made again, a port that a reload adds (CAP_NET_RAW), with room for
  /// super-frames, to attach the programs that keep the kernel's stack off, and to make a TAP interface
  /// (CAP_NET_ADMIN); where there are AF_XDP ports also to load programs and make maps (CAP_BPF). Without
  /// interfaces nothing.
  public static func kept(for configuration: Configuration) -> Capabilities {
    configuration.ports.reduce(into: []) { kept, port in
      if let live = port.live { kept.formUnion(needed(by: live)) }
    }
  }

  /// Drops all others for this thread and those that it starts; to be called while there is no other. What
  /// threads do once at their start is allowed them by limits instead: to lock memory, and to run at
  /// real-time priority. Where a limit cannot be raised, as without CAP_SYS_RESOURCE, what `threads` asks for
  /// keeps its capability: memory that cannot be locked cannot be mapped either after mlockall(2).
  public static func limit(to kept: Capabilities, for threads: WorkerSettings) throws(DaemonError) {
    sluice_raise_thread_limits()
    var kept = kept
    // The memory of AF_XDP ports is locked, also of those that a reload opens.
    if threads.locksMemory || kept.contains(.bpf), !sluice_may_lock_all() { kept.insert(.ipcLock) }
    if let priority = threads.fifoPriority, !sluice_may_have_priority(Int32(priority)) {
      kept.insert(.sysNice)
    }
    let number = sluice_limit_capabilities(kept.rawValue)
    guard number == 0 else {
      throw DaemonError(status: 1, message: "capabilities cannot be dropped: \(errorText(number))")
    }
  }
}
