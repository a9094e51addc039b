import CLinuxPacket
package import Dataplane
import Glibc

/// A TAP interface as a port: what its stack sends comes to the workers, and what they send its stack
/// receives.
///
/// Opened by the control side. An interface that did not exist is made, and ends with the process, however
/// that ends; one that existed is used and stays.
package final class TapPort: Sendable {
  package let settings: TapSettings
  /// LIF number and position in the workers' list.
  package let arrival: Arrival
  /// The interface's MTU in bytes when it was opened.
  package let mtu: Int
  /// Whether there was no such interface before.
  package let isOurs: Bool
  /// By worker.
  let descriptors: [TapDescriptor]
  /// The interface's number when it was opened.
  let index: Int32

  /// - Throws: what the kernel refuses, in words.
  package init(_ settings: TapSettings, at arrival: Arrival, workers: Int) throws(LivePortError) {
    self.settings = settings
    self.arrival = arrival
    var interface = sluice_interface()
    isOurs = unsafe sluice_interface_find(settings.interface, &interface) == ENODEV
    do throws(TapDescriptor.Refusal) {
      descriptors = try Self.open(settings.interface, workers)
      if isOurs { try Self.setUp(settings.interface) }
    } catch {
      throw LivePortError(error, settings, workers: workers)
    }
    interface = try LiveInterface.find(settings.interface)
    mtu = Int(interface.mtu)
    index = interface.index
  }

  private static func open(_ name: String, _ workers: Int) throws(TapDescriptor.Refusal) -> [TapDescriptor] {
    var descriptors: [TapDescriptor] = []
    var hasQueues = true
    while descriptors.count < workers {
      do throws(TapDescriptor.Refusal) {
        descriptors.append(try TapDescriptor(name, hasQueues: hasQueues))
      } catch {
        // One that was made without multi_queue has room for one worker.
        guard error.step == SLUICE_TAP_ATTACH, error.number == EINVAL, workers == 1, hasQueues else {
          throw error
        }
        hasQueues = false
      }
    }
    return descriptors
  }

  static func setUp(_ name: String) throws(TapDescriptor.Refusal) {
    let error = unsafe sluice_interface_set_up(name)
    guard error == 0 else { throw TapDescriptor.Refusal(step: SLUICE_TAP_OPTIONS, number: error) }
  }

  /// The queue of one worker on this port.
  ///
  /// - Parameter counters: the worker's, of which the port's part is written.
  /// - Throws: when there is no memory.
  package func queue(
    of worker: Int, setup: WorkerSetup, counters: PortCounters
  ) throws(LivePortError) -> TapQueue {
    guard let queue = TapQueue(self, worker: worker, setup: setup, counters: counters) else {
      throw LivePortError("interface \(settings.interface): no memory for packet buffers")
    }
    return queue
  }

  /// Why nothing comes or goes now, in words; nil while the interface is up. Asks the kernel.
  package var trouble: String? { LiveInterface.trouble(settings.interface) }
}

extension LivePortError {
  fileprivate init(_ refusal: TapDescriptor.Refusal, _ settings: TapSettings, workers: Int) {
    let name = settings.interface
    let prefix = "interface \(name): "
    let why = errorText(refusal.number)
    switch (refusal.step, refusal.number) {
    case (SLUICE_TAP_DEVICE, ENOENT), (SLUICE_TAP_DEVICE, ENODEV), (SLUICE_TAP_DEVICE, ENXIO):
      self.init(prefix + "this system has no TAP interfaces: /dev/net/tun, CONFIG_TUN (\(why))")
    case (SLUICE_TAP_DEVICE, _): self.init(prefix + "/dev/net/tun cannot be opened: \(why)")
    case (_, EPERM), (_, EACCES):
      self.init(
        prefix + "a TAP interface needs CAP_NET_ADMIN: start sluice as root, or give it the capability: "
          + "setcap cap_net_raw,cap_net_admin+ep")
    case (SLUICE_TAP_ATTACH, EBUSY):
      self.init(prefix + "another program has it: end that, or name another one")
    case (SLUICE_TAP_ATTACH, EINVAL):
      self.init(
        prefix + "it exists and is no TAP interface with queues for \(workers) workers: name another one, or "
          + "make it by ip tuntap add \(name) mode tap multi_queue")
    default: self.init(prefix + "a TAP interface cannot be opened: \(why)")
    }
  }
}
