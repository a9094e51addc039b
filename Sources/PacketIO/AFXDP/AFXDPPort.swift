import CLinuxPacket
import Dataplane
import Glibc
import Synchronization

/// A network interface as an AF_XDP port: our program on it, and the kernel's own stack kept off it.
///
/// Opened by the control side. Everything it changes ends with the process, however that ends: the program,
/// the sockets, promiscuous mode, and the programs that silence the stack.
package final class AFXDPPort: Sendable {
  package let settings: AFXDPSettings
  /// LIF number and position in the workers' list.
  package let arrival: Arrival
  /// The interface's MTU in bytes when it was opened.
  package let mtu: Int
  /// What should be known though the port works.
  package let warnings: [String]
  /// The interface's number.
  let index: Int32
  /// The device's queues.
  let receiveQueues: Int
  let transmitQueues: Int
  let program: AFXDPProgram
  private let silence: StackSilence
  private let promiscuous: Int32
  /// Whether it takes the place of one whose interface was deleted and made again.
  let isAgain: Bool
  /// Why the interface that was made again could not be opened, and when that was.
  private let refusal = Mutex<(why: String, time: ContinuousClock.Instant)?>(nil)

  /// - Throws: what the kernel refuses, in words.
  package init(_ settings: AFXDPSettings, at arrival: Arrival, isAgain: Bool) throws(LivePortError) {
    self.settings = settings
    self.isAgain = isAgain
    self.arrival = arrival
    let name = settings.interface
    let interface = try LiveInterface.find(name)
    index = interface.index
    mtu = Int(interface.mtu)
    guard AFXDPSettings.frameSize(mtu: mtu) != nil else { throw .tooLong(mtu, name) }
    (receiveQueues, transmitQueues) = Self.queues(of: name)
    program = try AFXDPProgram(settings, index: index, queues: receiveQueues)
    var promiscuous: Int32 = -1
    let error = unsafe sluice_promiscuous_open(index, &promiscuous)
    guard error == 0 else {
      throw LivePortError(
        SLUICE_RING_SOCKET, error, AFPacketSettings(interface: name))
    }
    self.promiscuous = promiscuous
    var silence = StackSilence()
    let deaf = silence.move(to: interface)
    self.silence = silence
    let silenceWarning = deaf == 0 ? nil : LiveInterface.heard(name, deaf)
    warnings = [silenceWarning, Self.offloadWarning(name, isGeneric: program.isGeneric)].compactMap { $0 }
  }

  deinit {
    sluice_descriptor_close(promiscuous)
  }

  /// Why nothing comes or goes now, or not all of it, in words; nil while all is well. Asks the kernel.
  package var trouble: String? {
    let name = settings.interface
    if let trouble = LiveInterface.trouble(name) ?? refusal.withLock({ $0?.why }) { return trouble }
    let now = Self.queues(of: name).receive
    guard now != receiveQueues else { return nil }
    return
      "interface \(name) has \(now) receive queues now, and had \(receiveQueues) when it was opened: "
      + "ethtool -L \(name) back, or restart sluice"
  }

  private static func queues(of name: String) -> (receive: Int, transmit: Int) {
    var queues: (receive: UInt32, transmit: UInt32) = (1, 1)
    unsafe sluice_xdp_queues(name, &queues.receive, &queues.transmit)
    return (Int(queues.receive), Int(queues.transmit))
  }

  /// Whether another interface has the name now, and is up: this port will never receive again. Not while the
  /// last attempt to open that was a moment ago.
  package var isOrphaned: Bool {
    let now = ContinuousClock().now
    if refusal.withLock({ $0.map { now - $0.time < Self.rest } ?? false }) { return false }
    var interface = sluice_interface()
    let error = unsafe sluice_interface_find(settings.interface, &interface)
    return error == 0 && interface.is_up && interface.index != index
  }

  /// Notes why the interface that was made again could not be opened, or would not be.
  package func note(refusal text: String) {
    refusal.withLock { $0 = (text, ContinuousClock().now) }
  }

  private static let rest = Duration.seconds(1)

  /// Checksums that a sender leaves to its device arrive unfinished where there is no device between, and
  /// nothing about a packet says so.
  private static func offloadWarning(_ name: String, isGeneric: Bool) -> String? {
    let drivers = isGeneric ? stacks + [turnedOff] : stacks
    guard let driver = drivers.first(where: { unsafe sluice_driver_is(name, $0) }) else { return nil }
    return
      "interface \(name) (\(driver)) may deliver packets whose checksums, or VLAN tags, its other end has "
      + "left to a device, which AF_XDP does not tell: turn that off there (ethtool -K DEVICE tx off txvlan "
      + "off), or use kind: af_packet"
  }

  /// Drivers whose other end is a stack.
  private static let stacks = ["veth", "tun"]
  /// One that is told to finish its checksums when a program is in the driver.
  private static let turnedOff = "virtio_net"
}
