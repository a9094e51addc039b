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

  /// - Parameter steering: of the packets to the workers' sockets, where the settings want it.
  /// - Throws: what the kernel refuses, in words.
  package init(
    _ settings: AFPacketSettings, at arrival: Arrival, workers: Int, steering: FanoutSteering?
  ) throws(LivePortError) {
    self.settings = settings
    self.arrival = arrival
    let interface = try LiveInterface.find(settings.interface)
    mtu = Int(interface.mtu)
    var group: Int32? = workers > 1 ? -1 : nil
    var sockets: [AFPacketSockets] = []
    let steering = settings.fanout == .sessions ? steering : nil
    for _ in 0..<workers {
      sockets.append(try AFPacketSockets(settings, interface, group: &group, steering))
    }
    self.sockets = sockets
    home = AFPacketHome(interface, name: settings.interface, group: group, workers: workers)
  }

  /// The queue of one worker on this port.
  ///
  /// - Parameter counters: the worker's, of which the port's part is written.
  /// - Throws: when there is no memory.
  package func queue(
    of worker: Int, setup: WorkerSetup, counters: PortCounters
  ) throws(LivePortError) -> AFPacketQueue {
    guard let queue = AFPacketQueue(self, worker: worker, setup: setup, counters: counters) else {
      throw LivePortError("interface \(settings.interface): no memory for packet buffers")
    }
    return queue
  }

  /// Lets packets come.
  package func start() { for each in sockets { each.start() } }

  /// Lets nothing come any more. While no worker looks after it.
  package func stop() { for each in sockets { each.stop() } }

  /// Why nothing comes or goes now, in words; nil while the interface is up. Asks the kernel.
  package var trouble: String? { LiveInterface.trouble(settings.interface) }
}
