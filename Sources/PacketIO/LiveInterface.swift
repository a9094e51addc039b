import CLinuxPacket
import Glibc

/// What live ports of every kind ask of a network interface.
enum LiveInterface {
  /// Describes an Ethernet interface that is up.
  static func find(_ name: String) throws(LivePortError) -> sluice_interface {
    var interface = sluice_interface()
    let error = unsafe sluice_interface_find(name, &interface)
    switch error {
    case 0: break
    case ENODEV: throw .missing(name)
    default: throw LivePortError("interface \(name): the kernel does not describe it: \(errorText(error))")
    }
    guard interface.is_ethernet else {
      throw LivePortError("interface \(name) is no Ethernet device: a port needs one")
    }
    guard interface.is_up else { throw .down(name) }
    return interface
  }

  /// Why nothing comes or goes now, in words; nil while the interface is up. Asks the kernel.
  static func trouble(_ name: String) -> String? {
    do throws(LivePortError) {
      return try find(name).is_running ? nil : "interface \(name) has no carrier"
    } catch {
      return error.description
    }
  }

  /// Why the kernel's own stack hears an interface, off which it was to be kept, and what can be done.
  static func heard(_ name: String, _ error: Int32) -> String {
    let mend =
      error == EPERM || error == EACCES
      ? "give sluice CAP_BPF and CAP_NET_ADMIN"
      : "Linux 6.6 or later can be kept from it"
    return "the kernel's own stack also hears interface \(name) and may answer there (\(errorText(error))): "
      + "\(mend), or take its addresses away: ip address flush dev \(name); "
      + "sysctl net.ipv6.conf.\(name).disable_ipv6=1"
  }
}
