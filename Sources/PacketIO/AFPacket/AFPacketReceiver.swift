import CLinuxPacket
import Dataplane
import Glibc

/// Receives from one worker's ring: packets are handed out where the kernel put them, in their final form.
/// Outer tags are back in their place, checksums are complete, and super-frames are packets of the link.
@safe struct AFPacketReceiver: ~Copyable {
  /// What was counted since the last `takeCounts`.
  struct Counts: BitwiseCopyable {
    var superFrames: UInt64 = 0
    /// Packets that super-frames became.
    var segments: UInt64 = 0
    var checksums: UInt64 = 0
    var oversized: UInt64 = 0
    var unsupported: UInt64 = 0
  }

  private let sockets: AFPacketSockets
  private let arrival: Arrival
  private var buffers: LentBuffers
  /// A super-frame of which packets are left.
  private var superFrame: SuperFrame?
  private var sequence: UInt64 = 0
  private var counts = Counts()
  /// Where a packet is read to that was too long for its frame.
  private let scratch: UnsafeMutableRawPointer
  /// Taken from the ring, and lent, when `mark` was made.
  private var waiting: (units: UInt32, buffers: Int)?
  private let mark: HandoffMark

  /// - Parameter mtu: of the interface: packets of super-frames are not longer.
  /// - Returns: nil when there is no memory.
  init?(_ sockets: AFPacketSockets, at arrival: Arrival, mtu: Int, mesh: HandoffMesh) {
    self.sockets = sockets
    self.arrival = arrival
    let size = max(mtu + Self.headers, Self.leastBuffer)
    guard let buffers = LentBuffers(capacity: Self.bufferCount, packetSize: size) else { return nil }
    self.buffers = buffers
    unsafe scratch = .allocate(byteCount: Self.scratchSize, alignment: 64)
    mark = HandoffMark(mesh)
  }

  deinit { unsafe scratch.deallocate() }

  /// Gives back what is needed no more: the last burst is over.
  ///
  /// - Parameter worker: the worker's index; `isAlone` when there is no other one.
  mutating func release(_ mesh: HandoffMesh, worker: Int, isAlone: Bool) {
    // The unit of a super-frame that is not done is the last one taken, if it was taken at all.
    let kept: UInt32 = unsafe superFrame == nil ? 0 : 1
    let taken = unsafe sockets.ring.taken
    let units = taken > kept ? taken - kept : 0
    guard units > 0 || buffers.count > 0 else { return }
    if isAlone { return giveBack(units, buffers.count) }
    if let ready = waiting, mesh.isDone(mark, from: worker) {
      giveBack(ready.units, ready.buffers)
      waiting = nil
    } else if waiting == nil {
      waiting = (units, buffers.count)
      mesh.note(mark, from: worker)
    }
  }

  private mutating func giveBack(_ units: UInt32, _ count: Int) {
    unsafe sluice_ring_release(&sockets.ring, units)
    buffers.release(count)
  }

  /// Whether nothing of the ring is in use by anybody.
  var isIdle: Bool { unsafe sockets.ring.taken == 0 && buffers.count == 0 && superFrame == nil }

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
      if unsafe superFrame != nil {
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

  mutating func takeCounts() -> Counts {
    let counts = counts
    self.counts = Counts()
    return counts
  }

  // MARK: What was left to the device

  /// Does the work that the sender left; true when the packet can be handed out where it lies.
  @inline(never) private mutating func complete(_ received: inout sluice_received) -> Bool {
    do throws(DropReason) {
      let wasQueued = unsafe received.is_queued
      if wasQueued { try unsafe readQueued(&received) }
      guard unsafe received.length == received.original else { throw .oversized }
      if unsafe received.segmentation != 0 {
        try unsafe begin(received)
        return false
      }
      if unsafe received.flags & Offload.needsChecksum != 0 { try unsafe sum(&received) }
      guard wasQueued else { return true }
      // In the next round, since the place that it was read to is needed again.
      try unsafe begin(received)
    } catch {
      // Super-frames whose headers cannot be followed cannot be cut.
      if error == .oversized { counts.oversized &+= 1 } else { counts.unsupported &+= 1 }
    }
    return false
  }

  @inline(never) private mutating func begin(_ received: sluice_received) throws(DropReason) {
    let frame = try unsafe SuperFrame(received, limit: buffers.packetSize)
    if unsafe frame.count > 1 {
      counts.superFrames &+= 1
      unsafe counts.segments &+= UInt64(frame.count)
    }
    unsafe superFrame = frame
  }

  /// The next packet of a super-frame; nil while no buffer is free.
  @inline(never) private mutating func nextSegment(_ now: PacketTime) -> PacketDescriptor? {
    guard var frame = unsafe superFrame, let packet = unsafe buffers.lend(&frame) else { return nil }
    unsafe superFrame = frame.isDone ? nil : frame
    return unsafe descriptor(packet.start, packet.length, frame.captureTime, now)
  }

  private mutating func sum(_ received: inout sluice_received) throws(DropReason) {
    // SAFETY: the ring, or the scratch, has `length` bytes there, which are ours until they are given back.
    var bytes = unsafe MutableRawSpan(
      _unsafeStart: UnsafeMutableRawPointer(received.start), byteCount: Int(received.length))
    let field = unsafe Int(received.checksum_field)
    // SCTP has a CRC of its own at this place (RFC 9260 §6.8), which no sum replaces.
    guard field != Self.sctpField,
      Checksum.complete(&bytes, start: unsafe Int(received.checksum_start), field: field)
    else { throw .unsupportedOffload }
    counts.checksums &+= 1
  }

  /// Puts the packet that waits at the socket in the place of the part of it in the ring.
  @inline(never) private func readQueued(_ received: inout sluice_received) throws(DropReason) {
    let size = MemoryLayout<virtio_net_hdr>.size
    // SAFETY: the scratch has room for a tag, the offloads and `largest` bytes.
    let start = unsafe scratch + Self.scratchLead
    let count = unsafe sluice_ring_read_queued(&sockets.ring, start - size, Self.largest + size)
    guard count >= size, count - size <= Self.largest else { throw .oversized }
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

  // MARK: Constants

  /// Ethernet header and two tags.
  private static let headers = 22
  /// Room for the largest MTU that is in common use: an interface's may grow while we run.
  private static let leastBuffer = 9216
  /// Buffers for packets of super-frames: those of a dozen of 64 KB.
  private static let bufferCount = 1024
  /// The longest super-frame: twice the 64 KB that senders make by default.
  private static let largest = 128 << 10
  private static let scratchLead = 64
  private static let scratchSize = scratchLead + largest
  /// Where SCTP's header has its checksum. RFC 9260 §3.1.
  private static let sctpField = 8
}
