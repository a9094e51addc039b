import CLinuxPacket
import Dataplane
import Glibc

/// Receives from one worker's ring: packets are handed out where the kernel put them, in their final form.
/// Outer tags are back in their place, checksums are complete, and super-frames are packets of the link.
@safe struct AFPacketReceiver: ~Copyable {
  private let sockets: AFPacketSockets
  private let arrival: Arrival
  /// Also for packets that were too long for their frames.
  private var left: LeftToDevice
  private var sequence: UInt64 = 0
  /// Taken from the ring, and lent, when `mark` was made.
  private var waiting: (units: UInt32, buffers: Int)?
  private let mark: HandoffMark

  /// - Parameter mtu: of the interface: packets of super-frames are not longer.
  /// - Returns: nil when there is no memory.
  init?(_ sockets: AFPacketSockets, at arrival: Arrival, mtu: Int, mesh: HandoffMesh) {
    self.sockets = sockets
    self.arrival = arrival
    guard let left = LeftToDevice(mtu: mtu) else { return nil }
    self.left = left
    mark = HandoffMark(mesh)
  }

  /// Gives back what is needed no more: the last burst is over.
  ///
  /// - Parameter worker: the worker's index; `isAlone` when there is no other one.
  mutating func release(_ mesh: HandoffMesh, worker: Int, isAlone: Bool) {
    // The unit of a super-frame that is not done is the last one taken, if it was taken at all.
    let kept: UInt32 = left.isCutting ? 1 : 0
    let taken = unsafe sockets.ring.taken
    let units = taken > kept ? taken - kept : 0
    guard units > 0 || left.lentCount > 0 else { return }
    if isAlone { return giveBack(units, left.lentCount) }
    if let ready = waiting, mesh.isDone(mark, from: worker) {
      giveBack(ready.units, ready.buffers)
      waiting = nil
    } else if waiting == nil {
      waiting = (units, left.lentCount)
      mesh.note(mark, from: worker)
    }
  }

  private mutating func giveBack(_ units: UInt32, _ count: Int) {
    unsafe sluice_ring_release(&sockets.ring, units)
    left.release(count)
  }

  /// Whether nothing of the ring is in use by anybody.
  var isIdle: Bool { unsafe sockets.ring.taken == 0 && left.lentCount == 0 && !left.isCutting }

  /// Fills the free places of a burst with what has come.
  mutating func receive(into burst: inout PacketBurst, now: PacketTime) {
    unsafe burst.fill { places in unsafe fill(places, now) }
  }

  private mutating func fill(
    _ places: UnsafeMutableBufferPointer<PacketDescriptor>, _ now: PacketTime
  ) -> Int {
    var count = 0
    var received = unsafe sluice_received()
    while count < places.count {
      if left.isCutting {
        guard let packet = unsafe nextSegment(now) else { return count }
        unsafe places[count] = packet
        count += 1
        continue
      }
      guard unsafe sluice_ring_take(&sockets.ring, &received) else { return count }
      if unsafe Self.isPlain(received) || complete(&received) {
        unsafe places[count] = descriptor(
          UnsafeRawPointer(received.start), Int(received.length), received.time, now)
        count += 1
      }
    }
    return count
  }

  /// Whether the packet is whole where it lies, and nothing about it was left to the device.
  @inline(__always) private static func isPlain(_ received: sluice_received) -> Bool {
    unsafe received.flags & Offload.needsChecksum | received.segmentation == 0 && !received.is_queued
      && received.length == received.original
  }

  @inline(__always)
  private mutating func descriptor(
    _ start: UnsafeRawPointer, _ length: Int, _ captureTime: UInt64, _ now: PacketTime
  ) -> PacketDescriptor {
    let number = sequence
    sequence &+= 1
    return unsafe PacketDescriptor(
      start: start, capturedLength: UInt32(truncatingIfNeeded: length),
      originalLength: UInt32(truncatingIfNeeded: length), time: now, captureTime: captureTime,
      sequence: number, lif: arrival.lif, port: arrival.port, link: .ethernet)
  }

  mutating func takeCounts() -> LeftToDevice.Counts { left.takeCounts() }

  // MARK: What was left to the device

  /// Does the work that the sender left; true when the packet can be handed out where it lies.
  @inline(never) private mutating func complete(_ received: inout sluice_received) -> Bool {
    do throws(DropReason) {
      let wasQueued = unsafe received.is_queued
      if wasQueued { try unsafe readQueued(&received) }
      guard unsafe received.length == received.original else { throw .oversized }
      if unsafe received.segmentation != 0 {
        try unsafe left.begin(received)
        return false
      }
      if unsafe received.flags & Offload.needsChecksum != 0 { try unsafe left.sum(received) }
      guard wasQueued else { return true }
      // In the next round, since the place that it was read to is needed again.
      try unsafe left.begin(received)
    } catch {
      left.refuse(error)
    }
    return false
  }

  /// The next packet of a super-frame; nil while no buffer is free.
  @inline(never) private mutating func nextSegment(_ now: PacketTime) -> PacketDescriptor? {
    guard let packet = unsafe left.next() else { return nil }
    return unsafe descriptor(packet.start, packet.length, packet.captureTime, now)
  }

  /// Puts the packet that waits at the socket in the place of the part of it in the ring.
  @inline(never) private func readQueued(_ received: inout sluice_received) throws(DropReason) {
    let size = MemoryLayout<virtio_net_hdr>.size
    // SAFETY: there is room for a tag, the offloads and `largest` bytes.
    let start = unsafe left.frameStart
    let count = unsafe sluice_ring_read_queued(&sockets.ring, start - size, LeftToDevice.largest + size)
    guard count >= size, count - size <= LeftToDevice.largest else { throw .oversized }
    unsafe received.start = start.assumingMemoryBound(to: UInt8.self)
    let offload = unsafe (start - size).loadUnaligned(as: virtio_net_hdr.self)
    unsafe received.flags = offload.flags
    unsafe received.segmentation = offload.gso_type
    unsafe received.segment_size = offload.gso_size
    unsafe received.checksum_start = UInt32(offload.csum_start)
    unsafe received.checksum_field = offload.csum_offset
    unsafe received.length = UInt32(count - size)
    unsafe received.original = received.length
    if unsafe received.has_tag { unsafe sluice_put_tag_back(&received) }
  }
}
