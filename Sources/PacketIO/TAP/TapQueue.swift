import CLinuxPacket
import Dataplane
import Glibc

/// A TAP port as one worker uses it: receives, sends, counts, and makes the interface again when it was
/// deleted.
package final class TapQueue: @unchecked Sendable {
  // SAFETY (@unchecked): made by the control side, from the first burst on used by its worker only.

  let arrival: Arrival
  private let port: TapPort
  private let worker: Int
  private let descriptor: TapDescriptor
  private var receiver: TapReceiver
  private var sender: TapSender
  private let counters: PortCounters
  private let page: CounterPage
  private var nextLook: UInt64 = 0
  /// The interface's number.
  private var index: Int32
  /// Packets that may still come; nil until the port is shut.
  private var rest: Int?

  /// - Returns: nil when there is no memory.
  init?(_ port: TapPort, worker: Int, setup: WorkerSetup, counters: PortCounters) {
    let descriptor = port.descriptors[worker]
    guard let receiver = TapReceiver(descriptor, at: port.arrival, mtu: port.mtu, mesh: setup.mesh) else {
      return nil
    }
    arrival = port.arrival
    self.port = port
    self.worker = worker
    self.descriptor = descriptor
    index = port.index
    self.receiver = receiver
    sender = TapSender(descriptor, mtu: port.mtu)
    self.counters = counters
    page = setup.counters[worker]
  }

  /// As it was when it was last looked at.
  var link: LinkState {
    LinkState(mtu: sender.limit.mtu, isUp: !receiver.isLost, interface: Int(index))
  }

  /// Called once before each receiving: gives back what the last burst had, and looks after the port now and
  /// then.
  ///
  /// - Returns: whether its interface is another one from now on.
  func begin(_ mesh: HandoffMesh, isAlone: Bool, now: PacketTime) -> Bool {
    receiver.release(mesh, worker: worker, isAlone: isAlone)
    guard now.nanoseconds >= nextLook else { return false }
    let before = index
    look(now)
    return index != before
  }

  /// Names what becomes readable when something comes, until the port is shut.
  func watch(_ wakes: inout PollSet) {
    if rest == nil, !receiver.isLost { wakes.watch(descriptor.number) }
  }

  /// Fills the free places of a burst with what has come.
  func receive(into burst: inout PacketBurst, now: PacketTime) {
    if let rest, rest <= 0, !receiver.isCutting { return }
    let before = burst.count
    receiver.receive(into: &burst, now: now)
    rest = rest.map { $0 - (burst.count - before) }
  }

  /// Sends the packets of the burst that leave by this port; those that cannot be sent become drops.
  func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {
    counters.addTransmission(sender.transmit(burst, by: arrival.lif, &outcome), port: Int(arrival.port))
  }

  /// Sends a copy; false when it cannot be sent.
  func transmit(_ copy: RawSpan) -> Bool {
    counters.addCopy(isSent: sender.transmit(copy), byteCount: copy.byteCount, port: Int(arrival.port))
  }

  /// Takes what waits now, and then no more: the interface's stack may go on sending.
  func shut() { rest = rest ?? Self.longestQueue }

  /// The same: others take its place.
  func retire() { shut() }

  /// Counts the rest, after the last packet.
  func leave() { account() }

  /// Closes the queue, after `leave`.
  func close() { descriptor.close() }

  // MARK: Looking after it

  /// Nanoseconds between two looks.
  private static let pause: UInt64 = 250_000_000
  /// Packets that wait at most, about: the usual length of an interface's queue, cut to packets of the link.
  private static let longestQueue = 4096

  @inline(never) private func look(_ now: PacketTime) {
    nextLook = now.nanoseconds &+ Self.pause
    account()
    var interface = sluice_interface()
    let isThere = unsafe sluice_interface_find(port.settings.interface, &interface) == 0
    if isThere { sender.limit.mtu = Int(interface.mtu) }
    // One that was not ours is for somebody else to make again.
    guard receiver.isLost, rest == nil, isThere || port.isOurs, descriptor.reopen() else { return }
    if port.isOurs { try? TapPort.setUp(port.settings.interface) }
    receiver.restart()
    if unsafe sluice_interface_find(port.settings.interface, &interface) == 0 { index = interface.index }
    counters.add(.reattached, 1, port: Int(arrival.port))
  }

  /// Counts what the receiver had to drop: packets that no verdict of the worker's covers. What the
  /// interface's queue had no room for counts there: its stack sent it.
  private func account() {
    receiver.takeCounts().publish(ringFull: 0, to: counters, port: Int(arrival.port), page)
  }
}
