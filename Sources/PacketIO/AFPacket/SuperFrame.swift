import CLinuxPacket
import Dataplane

/// A packet that a burst cannot refer to where it lies: a super-frame that becomes several packets of the
/// link, or one that was too long for its place in the ring. Its packets are written into buffers.
@unsafe struct SuperFrame {
  private let start: UnsafeRawPointer
  private let length: Int
  /// nil: goes on as it is.
  private let segmentation: Segmentation?
  private var next = 0
  let captureTime: UInt64

  /// - Throws: why it cannot go on: `.unsupportedOffload`, `.oversized` for packets longer than `limit`, or
  ///   what its headers lack.
  /// - Safety: the received bytes stay as long as this value is used.
  @unsafe init(_ received: sluice_received, limit: Int) throws(DropReason) {
    unsafe start = UnsafeRawPointer(received.start)
    unsafe length = Int(received.length)
    unsafe captureTime = received.time
    var longest = unsafe Int(received.length)
    if let transport = try Offload.transport(unsafe received.segmentation) {
      let bytes = unsafe RawSpan(_unsafeStart: received.start, byteCount: longest)
      let size = unsafe Int(received.segment_size)
      let found = try Segmentation(of: bytes, transport: transport, segmentSize: size)
      longest = found.longestLength
      unsafe segmentation = found
    } else {
      unsafe segmentation = nil
    }
    guard longest <= limit else { throw .oversized }
  }

  /// Whether all its packets have been written.
  var isDone: Bool { unsafe next == count }
  /// Packets that it becomes.
  var count: Int { unsafe segmentation?.count ?? 1 }

  /// Writes the next packet into an empty buffer that has room for it; false when it has not.
  mutating func write(into buffer: inout PacketBuffer, of pool: inout PacketPool) -> Bool {
    // SAFETY: the bytes are there, as promised to `init`.
    let frame = unsafe RawSpan(_unsafeStart: start, byteCount: length)
    guard let segmentation = unsafe segmentation else {
      unsafe next = 1
      return pool.append(frame, to: &buffer)
    }
    guard pool.extend(segmentation.length(of: unsafe next), &buffer) else { return false }
    var packet = pool.mutableBytes(buffer)
    segmentation.write(unsafe next, of: frame, into: &packet)
    unsafe next += 1
    return true
  }
}

/// What a sender leaves to its device, by the numbers of virtio_net_hdr. Virtio 1.2 §5.1.6.
enum Offload {
  static let needsChecksum: UInt8 = 1
  private static let none: UInt8 = 0
  private static let tcp4: UInt8 = 1
  private static let tcp6: UInt8 = 4
  private static let udp: UInt8 = 5
  /// Beside the type: the sender uses ECN.
  private static let ecn: UInt8 = 0x80

  /// The transport whose super-frame it is; nil when it is none.
  ///
  /// - Throws: `.unsupportedOffload` for any other.
  static func transport(_ type: UInt8) throws(DropReason) -> Segmentation.Transport? {
    switch type & ~ecn {
    case none: nil
    case tcp4, tcp6: .tcp
    case udp: .udp
    default: throw .unsupportedOffload
    }
  }
}
