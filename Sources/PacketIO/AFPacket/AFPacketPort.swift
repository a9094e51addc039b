import CLinuxPacket
package import Dataplane
import Glibc
import Synchronization

/// A network interface as a port: packet sockets for every worker, and the kernel's own stack kept off it.
///
/// Opened and started by the control side. Everything it changes ends with the process, however that ends:
/// the sockets, with them promiscuous mode, and the programs that silence the stack.
package final class AFPacketPort: Sendable {
  package let settings: AFPacketSettings
  /// LIF number and position in the workers' list.
  package let arrival: Arrival
  /// The interface's MTU in bytes when it was opened.
  package let mtu: Int
  /// What should be known though the port works; nil when there is nothing.
  package var warning: String? { home.warning }
  let sockets: [AFPacketSockets]
  let home: AFPacketHome

  /// - Throws: what the kernel refuses, in words.
  package init(_ settings: AFPacketSettings, at arrival: Arrival, workers: Int) throws(AFPacketError) {
    self.settings = settings
    self.arrival = arrival
    let interface = try Self.find(settings.interface)
    mtu = Int(interface.mtu)
    var group: Int32? = workers > 1 ? -1 : nil
    var sockets: [AFPacketSockets] = []
    for _ in 0..<workers { sockets.append(try AFPacketSockets(settings, interface, group: &group)) }
    self.sockets = sockets
    home = AFPacketHome(interface, name: settings.interface, group: group)
  }

  /// The queue of one worker on this port.
  ///
  /// - Parameter counters: the worker's, of which the port's part is written.
  /// - Throws: when there is no memory.
  package func queue(
    of worker: Int, setup: WorkerSetup, counters: PortCounters
  ) throws(AFPacketError) -> AFPacketQueue {
    guard let queue = AFPacketQueue(self, worker: worker, setup: setup, counters: counters) else {
      throw AFPacketError("interface \(settings.interface): no memory for packet buffers")
    }
    return queue
  }

  /// Lets packets come.
  package func start() { for each in sockets { each.start() } }

  /// Why nothing comes or goes now, in words; nil while the interface is up. Asks the kernel.
  package var trouble: String? {
    do throws(AFPacketError) {
      let interface = try Self.find(settings.interface)
      return interface.is_running ? nil : "interface \(settings.interface) has no carrier"
    } catch {
      return error.description
    }
  }

  /// An Ethernet interface that is up.
  static func find(_ name: String) throws(AFPacketError) -> sluice_interface {
    var interface = sluice_interface()
    let error = unsafe sluice_interface_find(name, &interface)
    switch error {
    case 0: break
    case ENODEV: throw .missing(name)
    default: throw AFPacketError("interface \(name): the kernel does not describe it: \(errorText(error))")
    }
    guard interface.is_ethernet else {
      throw AFPacketError("interface \(name) is no Ethernet device: a port needs one")
    }
    guard interface.is_up else { throw AFPacketError("interface \(name) is down: ip link set \(name) up") }
    return interface
  }
}
