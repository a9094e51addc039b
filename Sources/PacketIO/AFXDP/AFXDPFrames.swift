package import Dataplane

/// One worker's frames: the memory that all its AF_XDP sockets receive into and send from, so that a packet
/// goes from one port to another where it lies. Owned by one worker.
///
/// A frame is in one state at a time, and every step asks for the state that it starts from: what the kernel
/// or a burst names cannot be used twice, nor lost.
///
///     free -> filled -> lent -> free            received, and copied, dropped or consumed
///                        | \-> waiting -> free  while another worker may read it
///                        v
///     free -> sending -------> free             sent where it was received, or a copy
@safe package final class AFXDPFrames {
  private enum State {
    static let free: UInt8 = 0
    /// In a fill ring, or received and not taken yet: the kernel's.
    static let filled: UInt8 = 1
    /// Of the present burst.
    static let lent: UInt8 = 2
    static let waiting: UInt8 = 3
    static let sending: UInt8 = 4
  }

  /// The first byte of frame 0.
  let memory: UnsafeMutableRawPointer
  package let count: Int
  /// Bytes of a frame: 1 << shift.
  let frameSize: Int
  private let shift: UInt64
  private let byteCount: Int
  private let states: UnsafeMutablePointer<UInt8>
  private let free: UnsafeMutablePointer<UInt32>
  /// Frames that are free.
  package private(set) var available: Int
  private let lent: UnsafeMutablePointer<UInt32>
  private var lentCount = 0
  /// Frames that other workers may read, the oldest first; of them `marked` until what `mark` says.
  private let waiting: UnsafeMutablePointer<UInt32>
  private var oldest = 0
  private var waitingCount = 0
  private var marked = 0
  private let mark: HandoffMark
  /// Frames that the kernel has to receive into.
  package private(set) var filled = 0
  private var faults: UInt64 = 0
  /// The one of the queues on the frames that tells how many are in use.
  var teller: ObjectIdentifier?

  /// - Parameter frameSize: a power of two.
  /// - Returns: nil when there is no memory.
  package init?(count: Int, frameSize: Int, mesh: HandoffMesh) {
    self.count = count
    self.frameSize = frameSize
    shift = UInt64(frameSize.trailingZeroBitCount)
    byteCount = count * frameSize
    guard let memory = unsafe HugeMemory.map(byteCount: byteCount) else { return nil }
    unsafe self.memory = memory
    unsafe states = .allocate(capacity: count)
    unsafe states.initialize(repeating: State.free, count: count)
    unsafe free = .allocate(capacity: count)
    unsafe lent = .allocate(capacity: count)
    unsafe waiting = .allocate(capacity: count)
    // The first frames on top.
    for index in 0..<count { unsafe free[index] = UInt32(count - 1 - index) }
    available = count
    mark = HandoffMark(mesh)
  }

  deinit {
    unsafe HugeMemory.unmap(memory, byteCount: byteCount)
    unsafe states.deallocate()
    unsafe free.deallocate()
    unsafe lent.deallocate()
    unsafe waiting.deallocate()
  }

  var memorySize: Int { byteCount }
  /// Frames that are neither free nor for the kernel to receive into.
  package var inUse: Int { count - available - filled }

  package func takeFaults() -> UInt64 {
    let found = faults
    faults = 0
    return found
  }

  // MARK: Receiving

  /// A free frame's address for a fill ring; nil when there is none.
  @inline(__always) package func fill() -> UInt64? {
    guard let frame = take(for: State.filled) else { return nil }
    filled &+= 1
    return UInt64(frame) << shift
  }

  /// Lends a frame in which a packet was received, until the next `settle`.
  ///
  /// - Returns: where the packet is; nil when the kernel was not to write there.
  @inline(__always) package func lend(_ address: UInt64, _ length: UInt32) -> UnsafeRawPointer? {
    let frame = address >> shift
    let end = address &+ UInt64(length)
    // SAFETY: the frame's number is below `count`, the packet inside the frame.
    guard frame < UInt64(count), end <= (frame &+ 1) << shift,
      unsafe states[Int(frame)] == State.filled
    else {
      faults &+= 1
      return nil
    }
    unsafe states[Int(frame)] = State.lent
    filled &-= 1
    // SAFETY: as many are lent at most as there are.
    unsafe lent[lentCount] = UInt32(truncatingIfNeeded: frame)
    lentCount &+= 1
    return unsafe UnsafeRawPointer(memory + Int(address))
  }

  /// The last burst is over: what of it was not sent is free, once nobody reads it any more.
  ///
  /// - Parameter worker: the worker's index; `isAlone` when there is no other one.
  package func settle(_ mesh: HandoffMesh, worker: Int, isAlone: Bool) {
    if marked > 0, mesh.isDone(mark, from: worker) { freeMarked() }
    guard lentCount > 0 || (waitingCount > 0 && marked == 0) else { return }
    for index in 0..<lentCount {
      // SAFETY: what is lent is a frame's number; no more wait than there are.
      let frame = unsafe lent[index]
      guard unsafe states[Int(frame)] == State.lent else { continue }
      if isAlone {
        release(frame)
      } else {
        unsafe states[Int(frame)] = State.waiting
        let place = oldest &+ waitingCount
        unsafe waiting[place < count ? place : place &- count] = frame
        waitingCount &+= 1
      }
    }
    lentCount = 0
    guard waitingCount > 0, marked == 0 else { return }
    mesh.note(mark, from: worker)
    marked = waitingCount
    if mesh.isDone(mark, from: worker) { freeMarked() }
  }

  private func freeMarked() {
    for _ in 0..<marked {
      // SAFETY: below the capacity, and put there before.
      release(unsafe waiting[oldest])
      oldest = oldest &+ 1 == count ? 0 : oldest &+ 1
    }
    waitingCount &-= marked
    marked = 0
  }

  /// The kernel will not receive into a frame that it was given.
  func takeBack(_ address: UInt64) {
    let frame = address >> shift
    // SAFETY: below `count`.
    guard frame < UInt64(count), unsafe states[Int(frame)] == State.filled else {
      faults &+= 1
      return
    }
    filled &-= 1
    release(UInt32(truncatingIfNeeded: frame))
  }

  // MARK: Sending

  /// Takes a packet of the present burst to be sent where it lies.
  ///
  /// - Returns: its address; nil when it lies elsewhere, in another worker's frames for one.
  @inline(__always) package func pass(_ packet: PacketDescriptor) -> UInt64? {
    let address = unsafe UInt64(UInt(bitPattern: packet.start) &- UInt(bitPattern: memory))
    guard address < UInt64(byteCount) else { return nil }
    let frame = Int(address >> shift)
    // SAFETY: inside the memory, so below `count`.
    guard unsafe states[frame] == State.lent else { return nil }
    unsafe states[frame] = State.sending
    return address
  }

  /// Copies a packet into a free frame.
  ///
  /// - Returns: its address; nil when no frame is free or it is too long for one.
  @unsafe @inline(never) package func copy(_ start: UnsafeRawPointer, _ length: Int) -> UInt64? {
    guard length <= frameSize - AFXDPSettings.headroom, let frame = take(for: State.sending) else {
      return nil
    }
    let address = UInt64(frame) << shift &+ UInt64(AFXDPSettings.headroom)
    // SAFETY: the frame is ours, and has room behind the headroom.
    unsafe (memory + Int(address)).copyMemory(from: start, byteCount: length)
    return address
  }

  /// A packet was sent, or will not be: its frame is free.
  @inline(__always) package func complete(_ address: UInt64) {
    let frame = address >> shift
    // SAFETY: below `count`.
    guard frame < UInt64(count), unsafe states[Int(frame)] == State.sending else {
      faults &+= 1
      return
    }
    release(UInt32(truncatingIfNeeded: frame))
  }

  // MARK: Free frames

  @inline(__always) private func take(for state: UInt8) -> UInt32? {
    guard available > 0 else { return nil }
    available &-= 1
    // SAFETY: 0 <= available < count.
    let frame = unsafe free[available]
    unsafe states[Int(frame)] = state
    return frame
  }

  @inline(__always) private func release(_ frame: UInt32) {
    precondition(available < count, "a frame was freed twice")
    // SAFETY: checked above.
    unsafe states[Int(frame)] = State.free
    unsafe free[available] = frame
    available &+= 1
  }
}
