import CLinuxPacket
import Dataplane
import Glibc

/// Receives from one worker's queue of a TAP interface. Each packet is read by a system call, and put into a
/// buffer in its final form: checksums are complete, and super-frames are packets of the link. Tags are
/// where they belong.
@safe struct TapReceiver: ~Copyable {
  private let descriptor: TapDescriptor
  private let arrival: Arrival
  private var left: LeftToDevice
  private var sequence: UInt64 = 0
  /// Buffers lent when `mark` was made.
  private var waiting: Int?
  private let mark: HandoffMark
  private let clock = MonotonicClock()
  /// Whether the interface was deleted: nothing comes until the descriptor is opened again.
  private(set) var isLost = false

  /// - Parameter mtu: of the interface: packets of super-frames are not longer.
  /// - Returns: nil when there is no memory.
  init?(_ descriptor: TapDescriptor, at arrival: Arrival, mtu: Int, mesh: HandoffMesh) {
    guard let left = LeftToDevice(mtu: mtu) else { return nil }
    self.left = left
    self.descriptor = descriptor
    self.arrival = arrival
    mark = HandoffMark(mesh)
  }

  /// The descriptor was opened again.
  mutating func restart() { isLost = false }

  /// Gives back what is needed no more: the last burst is over.
  ///
  /// - Parameter worker: the worker's index; `isAlone` when there is no other one.
  mutating func release(_ mesh: HandoffMesh, worker: Int, isAlone: Bool) {
    guard left.lentCount > 0 else { return }
    if isAlone { return left.release(left.lentCount) }
    if let ready = waiting, mesh.isDone(mark, from: worker) {
      left.release(ready)
      waiting = nil
    } else if waiting == nil {
      waiting = left.lentCount
      mesh.note(mark, from: worker)
    }
  }

  mutating func takeCounts() -> LeftToDevice.Counts { left.takeCounts() }

  /// Fills the free places of a burst with what has come.
  mutating func receive(into burst: inout PacketBurst, now: PacketTime) {
    let time = clock.wallTime(now)
    while !burst.isFull {
      guard left.isCutting || read(time) else { return }
      guard left.isCutting else { continue }
      guard let packet = unsafe left.next() else { return }
      let length = unsafe UInt32(truncatingIfNeeded: packet.length)
      // SAFETY: a buffer stays until it is released, which is after the burst.
      unsafe burst.append(
        PacketDescriptor(
          start: packet.start, capturedLength: length, originalLength: length, time: now,
          captureTime: packet.captureTime, sequence: sequence, lif: arrival.lif, port: arrival.port,
          link: .ethernet))
      sequence &+= 1
    }
  }

  /// Reads a packet; one that cannot go on is counted.
  ///
  /// - Returns: false when there is none.
  private mutating func read(_ time: UInt64) -> Bool {
    guard !isLost else { return false }
    let size = Int(SLUICE_TAP_HEADER)
    var received = unsafe sluice_received()
    // SAFETY: there is room for the header before the start, and for `largest` bytes from there on.
    let error = unsafe sluice_tap_read(
      descriptor.number, left.frameStart - size, size + LeftToDevice.largest, &received)
    switch error {
    case 0: break
    case EFAULT:
      left.refuse(.oversized)
      return true
    case EAGAIN, EINTR: return false
    default:
      isLost = true
      return false
    }
    unsafe received.time = time
    do throws(DropReason) {
      // Those of super-frames are made with their packets.
      if unsafe received.segmentation == 0 && received.flags & Offload.needsChecksum != 0 {
        try unsafe left.sum(received)
      }
      // SAFETY: nothing is read to that place while packets of it are left.
      try unsafe left.begin(received)
    } catch {
      left.refuse(error)
    }
    return true
  }
}
