import CLinuxPacket
import Dataplane
import Glibc

/// A live port as one worker uses it: receives, sends, counts, and watches that packets still come.
package final class AFPacketQueue: @unchecked Sendable {
  // SAFETY (@unchecked): made by the control side, from the first burst on used by its worker only.

  let arrival: Arrival
  private let port: AFPacketPort
  private let worker: Int
  private let sockets: AFPacketSockets
  private var receiver: AFPacketReceiver
  private var sender: AFPacketSender
  private let counters: PortCounters
  private let page: CounterPage
  private var nextLook: UInt64 = 0
  /// Packets received since the last look.
  private var received: UInt64 = 0
  /// Looks at which the kernel had dropped packets, none of which saw one come.
  private var stalledLooks = 0
  /// Looks at which others were to move to the new interface before this one.
  private var earlyLooks = 0
  private var isShut = false

  /// - Returns: nil when there is no memory.
  init?(_ port: AFPacketPort, worker: Int, setup: WorkerSetup, counters: PortCounters) {
    let sockets = port.sockets[worker]
    guard let receiver = AFPacketReceiver(sockets, at: port.arrival, mtu: port.mtu, mesh: setup.mesh),
      let sender = AFPacketSender(sockets.sender, mtu: port.mtu)
    else { return nil }
    arrival = port.arrival
    self.port = port
    self.worker = worker
    self.sockets = sockets
    self.receiver = receiver
    self.sender = sender
    self.counters = counters
    page = setup.counters[worker]
  }

  /// As it was when it was last looked at.
  var link: LinkState {
    LinkState(mtu: sender.mtu, isUp: sender.hasCarrier, interface: Int(sockets.interface))
  }

  /// Called once before each receiving: gives back what the last burst had, and looks after the port now and
  /// then.
  ///
  /// - Returns: whether its interface is another one from now on.
  func begin(_ mesh: HandoffMesh, isAlone: Bool, now: PacketTime) -> Bool {
    receiver.release(mesh, worker: worker, isAlone: isAlone)
    guard now.nanoseconds >= nextLook else { return false }
    let before = sockets.interface
    look(now)
    return sockets.interface != before
  }

  /// Names what becomes readable when something comes, until the port is shut.
  func watch(_ wakes: inout PollSet) {
    if !isShut { unsafe wakes.watch(sockets.ring.descriptor) }
  }

  /// Fills the free places of a burst with what has come.
  func receive(into burst: inout PacketBurst, now: PacketTime) {
    let before = burst.count
    receiver.receive(into: &burst, now: now)
    received &+= UInt64(burst.count - before)
  }

  /// Sends the packets of the burst that leave by this port; those that cannot be sent become drops.
  func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {
    counters.addTransmission(sender.transmit(burst, by: arrival.lif, &outcome), port: Int(arrival.port))
  }

  /// Sends a copy; false when it cannot be sent.
  func transmit(_ copy: RawSpan) -> Bool {
    counters.addCopy(isSent: sender.transmit(copy), byteCount: copy.byteCount, port: Int(arrival.port))
  }

  /// Lets nothing come any more; what is in the ring can still be received.
  func shut() {
    guard !isShut else { return }
    isShut = true
    unsafe sluice_ring_stop(&sockets.ring)
  }

  /// Receives what is in the ring, and is not looked after any more: the control side stops it.
  func retire() { isShut = true }

  /// A block of version 3 is shown when it is full or old enough.
  var delay: UInt64 {
    port.settings.version == .v3 ? UInt64(port.settings.blockTimeout + 1) * 1_000_000 : 0
  }

  /// Counts the rest. Once nobody reads received packets.
  func leave() {
    _ = account()
    counters.clearGauges(port: Int(arrival.port))
  }

  /// Closes the sockets, after `leave`.
  func close() { sockets.close() }

  // MARK: Looking after it

  /// Nanoseconds between two looks.
  private static let rest: UInt64 = 250_000_000
  /// The same while others are to move first, and how often that is waited for.
  private static let earlyRest: UInt64 = 10_000_000
  private static let mostEarlyLooks = 200
  /// Looks that must show a stall: a worker that was stopped for a while is none.
  private static let patience = 2

  @inline(never) private func look(_ now: PacketTime) {
    nextLook = now.nanoseconds &+ Self.rest
    let drops = account()
    if received > 0 { stalledLooks = 0 } else if drops > 0 { stalledLooks += 1 }
    received = 0
    // A link that was down leaves an error, with which no sleep on the socket works.
    unsafe sluice_ring_clear_error(&sockets.ring)
    var interface = sluice_interface()
    guard unsafe sluice_interface_find(port.settings.interface, &interface) == 0 else {
      sender.hasCarrier = false
      return
    }
    sender.mtu = Int(interface.mtu)
    let isAnother = interface.index != sockets.interface
    sender.hasCarrier = interface.is_running && !isAnother
    guard receiver.isIdle, !isShut, interface.is_up else { return }
    if isAnother {
      reopen(as: .reattached)
      // It may be one that was made since.
      sender.hasCarrier = interface.is_running && interface.index == sockets.interface
    } else if stalledLooks >= Self.patience {
      reopen(as: .stalls)
    }
  }

  /// A ring that the kernel has lost its place in stays full for it and empty for us, and an interface that
  /// was deleted and made again is another one: a new ring takes over.
  private func reopen(as event: PortCounters.Event) {
    let move = port.home.move(worker, waits: earlyLooks < Self.mostEarlyLooks) { interface, group in
      sockets.reopen(interface, group: &group, lastCount: { _ = account() })
    }
    sender.descriptor = sockets.sender
    switch move {
    case .done:
      stalledLooks = 0
      earlyLooks = 0
      counters.add(event, 1, port: Int(arrival.port))
    case .early:
      earlyLooks += 1
      nextLook &-= Self.rest &- Self.earlyRest
    case .failed:
      // Each attempt maps a whole ring.
      nextLook &+= 4 &* Self.rest
    }
  }

  /// Counts what the kernel and the receiver had to drop, each under its reason: packets that no verdict of
  /// the worker's covers.
  ///
  /// - Returns: how many the kernel dropped.
  private func account() -> UInt64 {
    var packets: UInt32 = 0
    var drops: UInt32 = 0
    unsafe sluice_ring_statistics(&sockets.ring, &packets, &drops)
    let place = Int(arrival.port)
    receiver.takeCounts().publish(ringFull: UInt64(drops), to: counters, port: place, page)
    counters.set(.ringWaiting, to: unsafe UInt64(sluice_ring_waiting(&sockets.ring)), port: place)
    counters.set(.ringSize, to: unsafe UInt64(sockets.ring.units), port: place)
    return UInt64(drops)
  }
}
