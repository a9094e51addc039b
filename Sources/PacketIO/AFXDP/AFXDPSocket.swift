import CLinuxPacket
import Dataplane
import Glibc

/// One AF_XDP socket: a queue of an interface, with its four rings.
///
/// Opened by the control side, which sees the errors; used by the worker.
@safe final class AFXDPSocket: @unchecked Sendable {
  // SAFETY (@unchecked): made by the control side before the worker takes it; from then on the worker alone
  // uses it.

  private var socket: sluice_xdp_socket
  /// Whether the kernel reads the transmit ring only when it is called.
  private let isCopying: Bool
  private let canSend: Bool
  /// Packets put into the transmit ring whose frames have not come back.
  private var outstanding: UInt32 = 0
  /// How far the kernel is known to have got in the transmit ring.
  private var sentTo: UInt32 = 0
  /// Entries in the transmit ring that were withdrawn: the kernel passes over one in a call.
  private var withdrawn = 0
  /// Ring positions of packets that were not sent.
  private let failures: UnsafeMutablePointer<UInt32>
  private let ringSize: UInt32
  private var isOpen = true
  private var noRoom = RisingCount()
  private var tooLong = RisingCount()

  /// Whether the interface was down when something was to be sent last.
  private(set) var isDown = false

  /// - Parameters:
  ///   - frames: in whose memory packets are.
  ///   - first: the socket that was opened first on them; nil for that one.
  ///   - isCopying: whether the device must not work on the frames itself.
  init(
    _ port: AFXDPPort, queue: Int, frames: AFXDPFrames, first: AFXDPSocket?, isCopying: Bool
  ) throws(LivePortError) {
    var wish = unsafe sluice_xdp_wish()
    unsafe wish.interface = port.index
    unsafe wish.queue = UInt32(queue)
    unsafe wish.memory = frames.memory
    unsafe wish.memory_size = UInt64(frames.memorySize)
    unsafe wish.chunk = UInt32(frames.frameSize)
    unsafe wish.first = first?.descriptor ?? -1
    unsafe wish.ring_size = UInt32(port.settings.ringSize)
    unsafe wish.copies = isCopying
    var socket = unsafe sluice_xdp_socket()
    var step = SLUICE_XDP_SOCKET
    var error = unsafe sluice_xdp_open(&wish, &socket, &step)
    // The kernel takes a moment to give a queue back that a socket was on which has been closed.
    for _ in 0..<Self.patience where error == EBUSY {
      usleep(50_000)
      error = unsafe sluice_xdp_open(&wish, &socket, &step)
    }
    guard error == 0 else { throw LivePortError(step, error, port.settings, frames.memorySize) }
    unsafe self.socket = socket
    self.isCopying = unsafe !socket.is_zero_copy
    canSend = queue < port.transmitQueues
    ringSize = UInt32(port.settings.ringSize)
    unsafe failures = .allocate(capacity: port.settings.ringSize)
  }

  /// How long a queue is waited for: so many times 50 ms.
  private static let patience = 20

  deinit {
    close()
    unsafe failures.deallocate()
  }

  var descriptor: Int32 { unsafe socket.descriptor }
  var isZeroCopy: Bool { !isCopying }
  /// Whether the device has a queue of this number to send by.
  var sends: Bool { canSend }

  func close() {
    guard isOpen else { return }
    isOpen = false
    unsafe sluice_xdp_close(&socket)
  }

  // MARK: Receiving

  /// Entries that are put into the fill ring at once.
  private static let fillBatch: UInt32 = 64

  /// Gives the kernel frames to receive into, so that it always has as many as the ring takes.
  func fill(from frames: AFXDPFrames) {
    var room = unsafe sluice_xdp_room(&socket.fill)
    guard room >= Self.fillBatch else { return }
    while room > 0, let address = frames.fill() {
      unsafe sluice_xdp_put_address(&socket.fill, address)
      room &-= 1
    }
    unsafe sluice_xdp_publish(&socket.fill)
  }

  /// Takes back the frames that the kernel was given and has not received into. Once no packets come any
  /// more.
  func takeBack(to frames: AFXDPFrames) {
    reap(to: frames)
    var place = unsafe sluice_xdp_consumed(&socket.fill)
    let end = unsafe socket.fill.position
    while place != end {
      frames.takeBack(unsafe sluice_xdp_filled(&socket.fill, place))
      place &+= 1
    }
  }

  /// Takes what has come, as much as there are places.
  ///
  /// - Parameter packet: a descriptor with all that packets of the port have in common.
  @inline(never) func receive(
    into places: UnsafeMutableBufferPointer<PacketDescriptor>, frames: AFXDPFrames,
    like packet: PacketDescriptor
  ) -> Int {
    let waiting = unsafe min(Int(sluice_xdp_waiting(&socket.receive)), places.count)
    guard waiting > 0 else {
      if unsafe sluice_xdp_needs_call(&socket.fill) { unsafe sluice_xdp_wake_receive(&socket) }
      return 0
    }
    var next = unsafe packet
    var count = 0
    for _ in 0..<waiting {
      let received = unsafe sluice_xdp_take_packet(&socket.receive)
      guard let start = unsafe frames.lend(received.address, received.length) else { continue }
      unsafe sluice_prefetch_read(start)
      unsafe next.start = start
      unsafe next.capturedLength = received.length
      unsafe next.originalLength = received.length
      // SAFETY: count < waiting <= the places.
      unsafe places[count] = next
      unsafe next.sequence &+= 1
      count &+= 1
    }
    unsafe sluice_xdp_release(&socket.receive)
    return count
  }

  /// Packets that wait to be taken.
  var waiting: Int { unsafe Int(sluice_xdp_waiting(&socket.receive)) }

  /// What the kernel dropped since the last call.
  func takeDrops() -> (noRoom: UInt64, tooLong: UInt64) {
    var drops = sluice_xdp_drops()
    guard unsafe sluice_xdp_statistics(&socket, &drops) == 0 else { return (0, 0) }
    return (noRoom.rise(to: drops.no_room), tooLong.rise(to: drops.too_long))
  }

  // MARK: Sending

  /// The position at which the next packet is put into the transmit ring.
  @inline(__always) var position: UInt32 { unsafe socket.transmit.position }

  /// Packets that can be put. Where the kernel reads the ring only when it is called, and cannot send, few
  /// may wait: they would leave late, and whoever sends next would wait for nothing.
  var room: UInt32 {
    let free = unsafe min(sluice_xdp_room(&socket.transmit), ringSize &- outstanding)
    guard isCopying else { return free }
    return min(free, Self.mostWaiting &- min(pending, Self.mostWaiting))
  }

  private static let mostWaiting: UInt32 = 256

  /// Packets that the kernel has not been shown to have taken.
  private var pending: UInt32 { unsafe position &- sluice_xdp_consumed(&socket.transmit) }

  /// Puts a packet into the transmit ring; there must be room.
  @inline(__always) func put(_ address: UInt64, _ length: UInt32) {
    unsafe sluice_xdp_put_packet(&socket.transmit, address, length)
    outstanding &+= 1
  }

  /// Whether packets wait that the kernel has not been shown to have taken.
  var hasPending: Bool { pending != 0 }

  /// Frees the frames of packets that have been sent.
  func reap(to frames: AFXDPFrames) {
    let done = unsafe sluice_xdp_waiting(&socket.completion)
    guard done > 0 else { return }
    for _ in 0..<done {
      let address = unsafe sluice_xdp_take_address(&socket.completion)
      // Withdrawn: newer kernels also complete what they pass over.
      guard address != UInt64.max else { continue }
      frames.complete(address)
      if outstanding > 0 { outstanding &-= 1 }
    }
    unsafe sluice_xdp_release(&socket.completion)
  }

  /// Has packets sent that could not be before, unless the interface is down.
  ///
  /// - Returns: how many of them will never be.
  func sendPending(_ frames: AFXDPFrames) -> Int { hasPending && !isDown ? send(frames) : 0 }

  /// Shows the kernel what was put, and has it send that.
  ///
  /// - Returns: how many packets will not be sent; `failure` has their positions.
  func send(_ frames: AFXDPFrames) -> Int {
    unsafe sluice_xdp_publish(&socket.transmit)
    let end = position
    var failed = 0
    // Without the option a call sends 32. What is left then waits for the next round.
    var patience = Int(end &- sentTo) / 32 + withdrawn + 2
    isDown = false
    while hasPending, patience > 0 {
      if isZeroCopy, unsafe !sluice_xdp_needs_call(&socket.transmit) { break }
      let error = unsafe sluice_xdp_send(&socket)
      let wasSeen = advance()
      switch error {
      case EBUSY:
        // The device dropped the packet after those that it sent.
        if !wasSeen { step() }
        // SAFETY: no more than there are in the ring.
        if failed < Int(ringSize) {
          unsafe failures[failed] = sentTo &- 1
          failed += 1
        }
      case ENETDOWN, ENXIO, ENODEV:
        isDown = true
        return isCopying ? withdraw(after: failed, frames) : failed
      default:
        // The device takes no more now.
        if !wasSeen, withdrawn == 0, error == EAGAIN || error == ENOBUFS { return failed }
        patience -= 1
      }
    }
    if !hasPending { withdrawn = 0 }
    return failed
  }

  /// Waits a moment until all that was put has been sent, at the end.
  ///
  /// - Returns: how many packets will not be.
  func flush(_ frames: AFXDPFrames) -> Int {
    guard isOpen else { return 0 }
    var failed = 0
    for _ in 0..<Self.flushRounds {
      failed += sendPending(frames)
      reap(to: frames)
      if isDown || !(isCopying ? hasPending : outstanding > 0) { break }
      usleep(1000)
    }
    return failed + max(0, Int(pending) - withdrawn)
  }

  /// Milliseconds.
  private static let flushRounds = 100

  /// The ring position of a packet that was not sent, below what `send` returned.
  func failure(_ index: Int) -> UInt32 { unsafe failures[index] }

  /// Learns how far the kernel has got; true when it is further than known.
  private func advance() -> Bool {
    let consumed = unsafe sluice_xdp_consumed(&socket.transmit)
    guard Int32(bitPattern: consumed &- sentTo) > 0 else { return false }
    sentTo = consumed
    return true
  }

  /// The kernel has taken one more packet, past those that were withdrawn, without saying so.
  private func step() {
    while sentTo != position, unsafe sluice_xdp_is_withdrawn(&socket.transmit, sentTo) { sentTo &+= 1 }
    if sentTo != position { sentTo &+= 1 }
  }

  /// Takes back what the kernel has not taken, so that nothing is sent late when the link comes back.
  private func withdraw(after count: Int, _ frames: AFXDPFrames) -> Int {
    var failed = count
    var place = sentTo
    while place != position {
      let address = unsafe sluice_xdp_withdraw(&socket.transmit, place)
      if address != UInt64.max {
        frames.complete(address)
        outstanding &-= 1
        withdrawn += 1
        if failed < Int(ringSize) {
          unsafe failures[failed] = place
          failed += 1
        }
      }
      place &+= 1
    }
    return failed
  }
}
