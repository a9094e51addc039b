import CLinuxPacket
import Dataplane
import Glibc

/// Why a live port cannot be opened; the message says what to change.
package struct AFPacketError: Error, Sendable, CustomStringConvertible {
  package let description: String

  init(_ message: String) { description = message }

  /// The kernel refused a step of opening `interface`.
  init(_ step: sluice_ring_step, _ number: Int32, _ settings: AFPacketSettings) {
    let interface = settings.interface
    let why = errorText(number)
    switch (step, number) {
    case (SLUICE_RING_SOCKET, EPERM), (SLUICE_RING_SOCKET, EACCES):
      description =
        "interface \(interface): a packet socket needs CAP_NET_RAW: start sluice as root, or give it the "
        + "capability: setcap cap_net_raw,cap_net_admin+ep"
    case (SLUICE_RING_MEMORY, ENOMEM), (SLUICE_RING_MEMORY, ENOBUFS):
      description =
        "interface \(interface): no memory for a ring of \(settings.ringSize) bytes: lower ring.size"
    case (SLUICE_RING_BIND, ENETDOWN), (SLUICE_RING_FANOUT, ENETDOWN), (SLUICE_RING_FANOUT, EINVAL):
      description = "interface \(interface) is down: ip link set \(interface) up"
    case (SLUICE_RING_SOCKET, EAFNOSUPPORT):
      description = "interface \(interface): this kernel has no packet sockets (CONFIG_PACKET)"
    case (SLUICE_RING_OPTIONS, _):
      description =
        "interface \(interface): a packet socket refuses its options (\(why)): Linux 4.20 or later is needed"
    default: description = "interface \(interface): a packet socket cannot be opened: \(why)"
    }
  }

  static func missing(_ interface: String) -> AFPacketError {
    AFPacketError("there is no interface \(interface) here: ip link lists those that there are")
  }
}
