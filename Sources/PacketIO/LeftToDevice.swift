import CLinuxPacket
import Dataplane

/// Does what senders have left to their devices: completes checksums, and makes packets of the link of
/// super-frames, in buffers that are lent until their packets are done with. Owned by one worker's queue.
@safe struct LeftToDevice: ~Copyable {
  /// What was counted since the last `takeCounts`.
  struct Counts: BitwiseCopyable {
    var superFrames: UInt64 = 0
    /// Packets that super-frames became.
    var segments: UInt64 = 0
    var checksums: UInt64 = 0
    var oversized: UInt64 = 0
    var unsupported: UInt64 = 0
  }

  private var buffers: LentBuffers
  /// A super-frame of which packets are left.
  private var superFrame: SuperFrame?
  private var counts = Counts()
  private let scratch: UnsafeMutableRawPointer

  /// - Parameter mtu: of the interface: packets of super-frames are not longer.
  /// - Returns: nil when there is no memory.
  init?(mtu: Int) {
    let size = max(mtu + Self.headers, Self.leastBuffer)
    guard let buffers = LentBuffers(capacity: Self.bufferCount, packetSize: size) else { return nil }
    self.buffers = buffers
    unsafe scratch = .allocate(byteCount: Self.scratchLead + Self.largest, alignment: 64)
  }

  deinit { unsafe scratch.deallocate() }

  /// Where a super-frame may be read to: room for `largest` bytes, and for `scratchLead` before them.
  @unsafe var frameStart: UnsafeMutableRawPointer { unsafe scratch + Self.scratchLead }

  /// Buffers whose packets are on their way.
  var lentCount: Int { buffers.count }
  /// Whether packets of a super-frame are left.
  var isCutting: Bool { unsafe superFrame != nil }

  /// Gives the `count` oldest buffers back.
  mutating func release(_ count: Int) { buffers.release(count) }

  /// Takes a packet that cannot be handed out where it lies: it comes by `next`, whole or in pieces.
  ///
  /// - Safety: its bytes stay until `isCutting` is false.
  @unsafe @inline(never) mutating func begin(_ received: sluice_received) throws(DropReason) {
    let frame = try unsafe SuperFrame(received, limit: buffers.packetSize)
    if unsafe frame.count > 1 {
      counts.superFrames &+= 1
      unsafe counts.segments &+= UInt64(frame.count)
    }
    unsafe superFrame = frame
  }

  /// The next packet of what has begun; nil while no buffer is free.
  @unsafe @inline(never) mutating func next() -> (
    start: UnsafeRawPointer, length: Int, captureTime: UInt64
  )? {
    guard var frame = unsafe superFrame, let packet = unsafe buffers.lend(&frame) else { return nil }
    unsafe superFrame = frame.isDone ? nil : frame
    return unsafe (packet.start, packet.length, frame.captureTime)
  }

  /// Completes the checksum of a packet where it lies.
  ///
  /// - Safety: its bytes are the caller's to write.
  @unsafe mutating func sum(_ received: sluice_received) throws(DropReason) {
    // SAFETY: as promised.
    var bytes = unsafe MutableRawSpan(
      _unsafeStart: UnsafeMutableRawPointer(received.start), byteCount: Int(received.length))
    let field = unsafe Int(received.checksum_field)
    // SCTP has a CRC of its own at this place (RFC 9260 §6.8), which no sum replaces.
    guard field != Self.sctpField,
      Checksum.complete(&bytes, start: unsafe Int(received.checksum_start), field: field)
    else { throw .unsupportedOffload }
    counts.checksums &+= 1
  }

  /// Counts a packet that is dropped before any worker sees it.
  mutating func refuse(_ reason: DropReason) {
    // Super-frames whose headers cannot be followed cannot be cut.
    if reason == .oversized { counts.oversized &+= 1 } else { counts.unsupported &+= 1 }
  }

  mutating func takeCounts() -> Counts {
    let counts = counts
    self.counts = Counts()
    return counts
  }

  /// The longest super-frame: twice the 64 KB that senders make by default.
  static let largest = 128 << 10
  /// Bytes before a super-frame, for a tag and a header of offloads.
  static let scratchLead = 64
  /// Ethernet header and two tags.
  private static let headers = 22
  /// Room for the largest MTU that is in common use: an interface's may grow while we run.
  private static let leastBuffer = 9216
  /// Buffers for packets of super-frames: those of a dozen of 64 KB.
  private static let bufferCount = 1024
  /// Where SCTP's header has its checksum. RFC 9260 §3.1.
  private static let sctpField = 8
}

extension LeftToDevice.Counts {
  /// Counts what was dropped unseen under its reason, as packets that no verdict of the worker's covers, and
  /// the rest at the port.
  ///
  /// - Parameter ringFull: packets that the kernel dropped.
  func publish(ringFull: UInt64, to counters: PortCounters, port: Int, _ page: CounterPage) {
    page.note(.receiveRingFull, ringFull, port: port)
    page.note(.oversized, oversized, port: port)
    page.note(.unsupportedOffload, unsupported, port: port)
    counters.add(.ringFull, ringFull, port: port)
    counters.add(.refused, oversized + unsupported, port: port)
    counters.add(.superFrames, superFrames, port: port)
    counters.add(.segments, segments, port: port)
    counters.add(.checksums, checksums, port: port)
  }
}

extension CounterPage {
  /// Counts packets that came by a port and were dropped before the worker could have a verdict on them.
  func note(_ reason: DropReason, _ count: UInt64, port: Int) {
    guard count > 0 else { return }
    add(.packets, count)
    add(.dropped, count)
    add(.other, count)
    add(reason, count, port: port)
  }
}
