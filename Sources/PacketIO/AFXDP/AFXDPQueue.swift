import CLinuxPacket
import Dataplane
import Glibc

/// An AF_XDP port as one worker uses it: the sockets of its queues of the device, all in the worker's frames.
package final class AFXDPQueue: @unchecked Sendable {
  // SAFETY (@unchecked): made by the control side, from the first burst on used by its worker only.

  let arrival: Arrival
  private let port: AFXDPPort
  private let worker: Int
  private let sockets: [AFXDPSocket]
  private let frames: AFXDPFrames?
  private let way: AFXDPSender
  private let counters: PortCounters
  private let page: CounterPage
  private let clock: MonotonicClock
  private var nextLook: UInt64 = 0
  /// The socket that is asked first.
  private var next = 0
  private var sequence: UInt64 = 0
  private var isStarted = false
  private var isShut = false
  private var isRetired = false

  /// - Parameters:
  ///   - sockets: none where the device has fewer queues than there are workers.
  ///   - frames: those of the sockets.
  init(
    _ port: AFXDPPort, worker: Int, sockets: [AFXDPSocket], frames: AFXDPFrames?, setup: WorkerSetup,
    counters: PortCounters
  ) throws(LivePortError) {
    arrival = port.arrival
    self.port = port
    self.worker = worker
    self.sockets = sockets
    self.frames = frames
    self.counters = counters
    page = setup.counters[worker]
    clock = MonotonicClock()
    if let frames, let socket = sockets.first(where: \.sends) {
      way = .socket(try AFXDPTransmitter(socket, frames, mtu: port.mtu))
    } else {
      way = .bypass(try AFXDPBypass(port))
    }
  }

  /// As it was when it was last looked at.
  var link: LinkState {
    let (mtu, isUp) =
      switch way {
      case .socket(let sender): (sender.limit.mtu, sender.hasCarrier)
      case .bypass(let bypass): (bypass.sender.mtu, bypass.sender.hasCarrier)
      }
    return LinkState(mtu: mtu, isUp: isUp, interface: Int(port.index))
  }

  /// Called once before each receiving: takes back what the last burst had, gives the kernel frames, and
  /// looks after the port now and then.
  func begin(_ mesh: HandoffMesh, isAlone: Bool, now: PacketTime) {
    if let frames {
      frames.settle(mesh, worker: worker, isAlone: isAlone)
      if !isStarted { start() }
      for socket in sockets {
        socket.reap(to: frames)
        if !isShut { socket.fill(from: frames) }
      }
      if case .socket(let transmitter) = way { transmitter.sendPending() }
    }
    if now.nanoseconds >= nextLook { look(now) }
  }

  /// What the kernel dropped while it had no frames was before our time.
  private func start() {
    isStarted = true
    if port.isAgain { counters.add(.reattached, 1, port: Int(arrival.port)) }
    for socket in sockets { _ = socket.takeDrops() }
  }

  /// Names what becomes readable when something comes, until the port is shut.
  func watch(_ wakes: inout PollSet) {
    guard !isShut else { return }
    // To ask the kernel about a socket has it send what waits there, and nobody would hear how that went.
    for socket in sockets where !socket.hasPending { wakes.watch(socket.descriptor) }
  }

  /// Fills the free places of a burst with what has come by one of the sockets.
  func receive(into burst: inout PacketBurst, now: PacketTime) {
    guard let frames else { return }
    // SAFETY: every packet gets its own start before the burst sees it.
    let common = unsafe PacketDescriptor(
      start: UnsafeRawPointer(frames.memory), capturedLength: 0, originalLength: 0, time: now,
      captureTime: clock.wallTime(now), sequence: sequence, lif: arrival.lif, port: arrival.port,
      link: .ethernet)
    let before = burst.count
    for _ in sockets {
      let socket = sockets[next]
      next = next + 1 == sockets.count ? 0 : next + 1
      // SAFETY: a frame stays until it is settled, which is after the burst.
      unsafe burst.fill { places in unsafe socket.receive(into: places, frames: frames, like: common) }
      if burst.count > before { break }
    }
    sequence &+= UInt64(burst.count - before)
  }

  /// Sends the packets of the burst that leave by this port; those that cannot be sent become drops.
  func transmit(_ burst: borrowing PacketBurst, _ outcome: inout BurstOutcome) {
    let result =
      switch way {
      case .socket(let transmitter): transmitter.transmit(burst, by: arrival.lif, &outcome)
      case .bypass(let bypass): bypass.sender.transmit(burst, by: arrival.lif, &outcome)
      }
    counters.addTransmission(result, port: Int(arrival.port))
  }

  /// Sends a copy; false when it cannot be sent.
  func transmit(_ copy: RawSpan) -> Bool {
    let isSent =
      switch way {
      case .socket(let transmitter): transmitter.transmit(copy)
      case .bypass(let bypass): bypass.sender.transmit(copy)
      }
    return counters.addCopy(isSent: isSent, byteCount: copy.byteCount, port: Int(arrival.port))
  }

  /// Lets nothing come any more; what has been received can still be taken.
  func shut() {
    guard !isShut else { return }
    isShut = true
    port.program.detach()
  }

  /// Takes what has been received, and gives the kernel no frames any more: the control side stops it.
  func retire() {
    isShut = true
    isRetired = true
  }

  /// Whether packets wait for the device.
  var hasUnsent: Bool { frames != nil && sockets.contains { $0.hasUnsent } }

  /// Sends what waits, counts the rest, and takes back the frames that the kernel has not used. Once nobody
  /// reads received packets, and none comes any more.
  func leave() {
    // Others go on: what could be waited for was.
    if case .socket(let transmitter) = way { transmitter.flush(waits: !isRetired) }
    if let frames { for socket in sockets { socket.takeBack(to: frames) } }
    account()
    counters.clearGauges(port: Int(arrival.port))
    if let frames, frames.teller == ObjectIdentifier(self) { frames.teller = nil }
  }

  /// Closes the sockets, after `leave`.
  func close() { for socket in sockets { socket.close() } }

  // MARK: Looking after it

  /// Nanoseconds between two looks.
  private static let rest: UInt64 = 250_000_000

  @inline(never) private func look(_ now: PacketTime) {
    nextLook = now.nanoseconds &+ Self.rest
    account()
    var interface = sluice_interface()
    // One that is gone has no carrier, and the MTU that it had; so has one that was made again until the port
    // is opened again.
    let isFound = unsafe sluice_interface_find(port.settings.interface, &interface) == 0
    let isThere = isFound && interface.index == port.index
    switch way {
    case .socket(let transmitter):
      if isThere { transmitter.limit.mtu = Int(interface.mtu) }
      transmitter.hasCarrier = isThere && interface.is_running
    case .bypass(let bypass):
      if isThere { bypass.sender.mtu = Int(interface.mtu) }
      bypass.sender.hasCarrier = isThere && interface.is_running
    }
  }

  /// Counts what the kernel had to drop: packets that no verdict of the worker's covers.
  private func account() {
    var noRoom: UInt64 = 0
    var tooLong: UInt64 = 0
    for socket in sockets {
      let drops = socket.takeDrops()
      noRoom &+= drops.noRoom
      tooLong &+= drops.tooLong
    }
    let place = Int(arrival.port)
    page.note(.receiveRingFull, noRoom, port: place)
    page.note(.oversized, tooLong, port: place)
    if case .socket(let transmitter) = way {
      counters.add(.unsent, transmitter.takeLateFailures(), port: place)
    }
    counters.add(.ringFull, noRoom, port: place)
    counters.add(.refused, tooLong, port: place)
    counters.set(.ringWaiting, to: UInt64(sockets.reduce(0) { $0 + $1.waiting }), port: place)
    counters.set(.ringSize, to: UInt64(sockets.count * port.settings.ringSize), port: place)
    guard let frames else { return }
    if frames.teller == nil { frames.teller = ObjectIdentifier(self) }
    guard frames.teller == ObjectIdentifier(self) else { return }
    counters.set(.framesInUse, to: UInt64(max(frames.inUse, 0)), port: place)
    counters.add(.frameFaults, frames.takeFaults(), port: place)
  }
}

/// How a worker sends by an AF_XDP port.
enum AFXDPSender {
  /// By a queue of its own.
  case socket(AFXDPTransmitter)
  case bypass(AFXDPBypass)
}
