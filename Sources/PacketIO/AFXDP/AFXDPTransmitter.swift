import CLinuxPacket
import Dataplane

/// Sends bursts by one worker's socket of a port: what was received into the worker's frames goes as it lies,
/// all else is copied into one.
@safe final class AFXDPTransmitter {
  private let socket: AFXDPSocket
  private let frames: AFXDPFrames
  /// By place in the batch: which packet of the burst it is.
  private let packets: UnsafeMutablePointer<UInt16>
  /// What may be given to the interface.
  var limit: LinkLimit
  /// Whether the interface has a carrier, as far as known: without one the device drops what it is given.
  var hasCarrier = true

  /// Packets of earlier bursts, counted as sent, that were not after all, since the last `takeLateFailures`.
  private var lateFailures: UInt64 = 0

  init(_ socket: AFXDPSocket, _ frames: AFXDPFrames, mtu: Int) throws(LivePortError) {
    self.socket = socket
    self.frames = frames
    unsafe packets = .allocate(capacity: PacketBurst.capacity)
    limit = LinkLimit(mtu: mtu)
  }

  deinit { unsafe packets.deallocate() }

  /// Sends those packets of the burst that leave by `lif`; those that cannot be sent become drops.
  ///
  /// - Returns: what was sent, and how many packets could not be.
  func transmit(
    _ burst: borrowing PacketBurst, by lif: UInt16, _ outcome: inout BurstOutcome
  ) -> (sent: PortCounters.Traffic, failed: UInt64) {
    var traffic = PortCounters.Traffic()
    var failed: UInt64 = 0
    var room = makeRoom(for: burst.count)
    let start = socket.position
    var count = 0
    for index in 0..<burst.count {
      let verdict = outcome[index]
      guard verdict.outLIF == lif, verdict.kind.isSent else { continue }
      let packet = unsafe burst.descriptor(index)
      if let refusal = unsafe limit.refusal(packet) {
        outcome[index] = .drop(refusal)
        failed &+= 1
        continue
      }
      guard room > 0, let address = unsafe address(of: packet) else {
        outcome[index] = .drop(reason)
        failed &+= 1
        continue
      }
      unsafe socket.put(address, packet.capturedLength)
      // SAFETY: a burst has at most as many packets as there are places.
      unsafe packets[count] = UInt16(truncatingIfNeeded: index)
      count &+= 1
      room &-= 1
      traffic.packets &+= 1
      unsafe traffic.bytes &+= UInt64(packet.capturedLength)
    }
    guard count > 0 else { return (traffic, failed) }
    for number in 0..<socket.send(frames) {
      let place = Int(socket.failure(number) &- start)
      guard place < count else {
        lateFailures &+= 1
        continue
      }
      failed &+= 1
      let index = unsafe Int(packets[place])
      traffic.packets &-= 1
      unsafe traffic.bytes &-= UInt64(burst.descriptor(index).capturedLength)
      outcome[index] = .drop(reason)
    }
    return (traffic, failed)
  }

  /// Sends one packet that is not of a burst: a copy.
  func transmit(_ bytes: RawSpan) -> Bool {
    guard limit.takesCopy(bytes.byteCount), makeRoom(for: 1) > 0 else { return false }
    let address = unsafe bytes.withUnsafeBytes { bytes in
      // SAFETY: the bytes stay for this call.
      unsafe bytes.baseAddress.flatMap { unsafe frames.copy($0, bytes.count) }
    }
    guard let address else { return false }
    socket.put(address, UInt32(bytes.byteCount))
    let position = socket.position &- 1
    var isSent = true
    for number in 0..<socket.send(frames) {
      if socket.failure(number) == position { isSent = false } else { lateFailures &+= 1 }
    }
    return isSent
  }

  /// Waits a moment until all has been sent, at the end.
  func flush() { lateFailures &+= UInt64(socket.flush(frames)) }

  /// Has packets sent that could not be before.
  func sendPending() { lateFailures &+= UInt64(socket.sendPending(frames)) }

  func takeLateFailures() -> UInt64 {
    let found = lateFailures
    lateFailures = 0
    return found
  }

  @inline(__always) private func address(of packet: PacketDescriptor) -> UInt64? {
    if let address = unsafe frames.pass(packet) { return address }
    return unsafe frames.copy(packet.start, Int(packet.capturedLength))
  }

  /// Room in the transmit ring, at least for `count` packets if that can be had.
  private func makeRoom(for count: Int) -> Int {
    socket.reap(to: frames)
    if socket.room < count {
      lateFailures &+= UInt64(socket.send(frames))
      socket.reap(to: frames)
    }
    return Int(socket.room)
  }

  private var reason: DropReason { socket.isDown || !hasCarrier ? .portDown : .transmitFailed }
}
