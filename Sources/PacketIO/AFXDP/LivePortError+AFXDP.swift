import CLinuxPacket
import Dataplane
import Glibc

extension LivePortError {
  private static let capabilities =
    "start sluice as root, or give it the capabilities: setcap cap_net_raw,cap_net_admin,cap_bpf+ep"

  /// The kernel refused a step of opening a socket on `settings.interface`.
  init(_ step: sluice_xdp_step, _ number: Int32, _ settings: AFXDPSettings, _ memorySize: Int) {
    let prefix = "interface \(settings.interface): "
    let why = errorText(number)
    switch (step, number) {
    case (SLUICE_XDP_SOCKET, EPERM), (SLUICE_XDP_SOCKET, EACCES):
      self.init(prefix + "an AF_XDP socket needs CAP_NET_RAW: \(Self.capabilities)")
    case (SLUICE_XDP_SOCKET, EAFNOSUPPORT):
      self.init(prefix + "this kernel has no AF_XDP (CONFIG_XDP_SOCKETS): use kind: af_packet")
    case (SLUICE_XDP_MEMORY, ENOBUFS), (SLUICE_XDP_MEMORY, ENOMEM):
      self.init(
        prefix + "\(memorySize) bytes of packet memory cannot be kept in main memory (\(why)): raise "
          + "RLIMIT_MEMLOCK (systemd: LimitMEMLOCK=infinity), give CAP_IPC_LOCK, or lower ring.packets")
    case (SLUICE_XDP_BIND, ENETDOWN): self = .down(settings.interface)
    case (SLUICE_XDP_BIND, EBUSY):
      self.init(prefix + "another program has an AF_XDP socket on it: end that, or use kind: af_packet")
    case (SLUICE_XDP_RINGS, _):
      self.init(
        prefix + "AF_XDP rings are refused (\(why)): Linux 5.10 or later is needed; use kind: af_packet")
    default: self.init(prefix + "an AF_XDP socket cannot be opened: \(why); use kind: af_packet")
    }
  }

  /// The kernel refused map or program.
  static func program(_ number: Int32, _ interface: String) -> LivePortError {
    if number == EPERM || number == EACCES {
      return LivePortError("interface \(interface): XDP needs CAP_BPF and CAP_NET_ADMIN: \(capabilities)")
    }
    return LivePortError(
      "interface \(interface): no XDP program can be attached (\(errorText(number))): Linux 5.10 or later is "
        + "needed; use kind: af_packet")
  }

  /// Somebody else's program is there.
  static func foreign(_ program: sluice_xdp_program, _ interface: String) -> LivePortError {
    let name = unsafe withUnsafeBytes(of: program.name) { name in
      unsafe String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
    }
    let what = program.is_ours ? "another sluice's XDP program" : "an XDP program that is not sluice's"
    let mend =
      program.is_ours
      ? "end that sluice" : "take it off (ip link set \(interface) xdp off, or end who attached it)"
    let called = name.isEmpty ? "" : " \(name)"
    return LivePortError(
      "interface \(interface) has \(what),\(called) id \(program.id): \(mend), or use kind: af_packet")
  }

  static func tooLong(_ mtu: Int, _ interface: String) -> LivePortError {
    LivePortError(
      "interface \(interface) has an MTU of \(mtu): a frame of AF_XDP has room for "
        + "\(AFXDPSettings.largestMTU): use kind: af_packet, or ip link set \(interface) mtu "
        + "\(AFXDPSettings.largestMTU)")
  }
}
