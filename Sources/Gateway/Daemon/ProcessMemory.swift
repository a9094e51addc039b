import CLinuxPacket
import Foundation
import PacketIO

/// What the kernel says about this process's memory; 0 where it does not say.
struct ProcessMemory {
  /// Bytes in main memory.
  let residentBytes: UInt64
  /// Those of them on 2 MB pages.
  let hugePageBytes: UInt64

  init() {
    // proc(5): size, then resident, in pages.
    let pages = Self.text("/proc/self/statm").split(separator: " ")
    residentBytes = (pages.count > 1 ? UInt64(pages[1]) ?? 0 : 0) * UInt64(getpagesize())
    // Of our own memory, and of files on a tmpfs.
    let lines = Self.text("/proc/self/smaps_rollup").split(separator: "\n")
      .filter { $0.hasPrefix("AnonHugePages:") || $0.hasPrefix("ShmemPmdMapped:") }
    hugePageBytes =
      lines.reduce(0) { $0 + ($1.split(separator: " ").dropFirst().first.flatMap { UInt64($0) } ?? 0) } << 10
  }

  /// Keeps all memory of the process in main memory, also what is mapped later.
  static func lock() throws(DaemonError) {
    let number = sluice_lock_memory()
    guard number == 0 else {
      throw DaemonError(
        status: 1,
        message: "mlockall: \(errorText(number)); it needs CAP_IPC_LOCK, or an RLIMIT_MEMLOCK above all that "
          + "is mapped (systemd: LimitMEMLOCK=infinity)")
    }
  }

  /// Whether `bytes` are at most half of the memory that is available to the machine and to our cgroup.
  static func hasRoom(for bytes: UInt64) -> Bool {
    let line = text("/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
    guard let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap({ UInt64($0) }) else {
      return false
    }
    return bytes <= min(kilobytes << 10, groupRoom ?? .max) / 2
  }

  /// Bytes that our cgroup and those around it may still take; nil without a limit. cgroup v2, cgroups(7).
  private static var groupRoom: UInt64? {
    let line = text("/proc/self/cgroup").split(separator: "\n").first { $0.hasPrefix("0::") }
    var parts = line?.dropFirst(3).split(separator: "/") ?? []
    var room: UInt64?
    while true {
      let directory = "/sys/fs/cgroup/" + parts.joined(separator: "/")
      if let limit = number("\(directory)/memory.max"), let used = number("\(directory)/memory.current") {
        room = min(room ?? .max, limit > used ? limit - used : 0)
      }
      guard parts.popLast() != nil else { return room }
    }
  }

  private static func number(_ path: String) -> UInt64? {
    UInt64(text(path).trimmingCharacters(in: .whitespacesAndNewlines))
  }

  static func text(_ path: String) -> String {
    (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
  }
}
