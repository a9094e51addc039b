import CLinuxPacket
import Glibc

extension LivePortError {
  /// The kernel refused a step of opening `interface`.
  init(_ step: sluice_ring_step, _ number: Int32, _ settings: AFPacketSettings) {
    let interface = settings.interface
    let why = errorText(number)
    let description: String
    switch (step, number) {
    case (SLUICE_RING_SOCKET, EPERM), (SLUICE_RING_SOCKET, EACCES):
      description =
        "interface \(interface): a packet socket needs CAP_NET_RAW: start sluice as root, or give it the "
        + "capability: setcap cap_net_raw,cap_net_admin+ep"
    case (SLUICE_RING_MEMORY, ENOMEM), (SLUICE_RING_MEMORY, ENOBUFS):
      description =
        "interface \(interface): no memory for a ring of \(settings.ringSize) bytes: lower ring.size"
    case (SLUICE_RING_BIND, ENETDOWN), (SLUICE_RING_FANOUT, ENETDOWN), (SLUICE_RING_FANOUT, EINVAL):
      description = Self.down(interface).description
    case (SLUICE_RING_SOCKET, EAFNOSUPPORT):
      description = "interface \(interface): this kernel has no packet sockets (CONFIG_PACKET)"
    case (SLUICE_RING_OPTIONS, _):
      description =
        "interface \(interface): a packet socket refuses its options (\(why)): Linux 4.20 or later is needed"
    default: description = "interface \(interface): a packet socket cannot be opened: \(why)"
    }
    self.init(description)
  }
}
