import Dataplane

/// Memory for the last 65536 frames, and the writer of the next one. Owned by one worker's queue.
///
/// Frames handed to another worker stay readable until as many newer ones were written: its ring holds 4096.
@safe struct FrameStore: ~Copyable {
  private let memory: UnsafeMutableRawBufferPointer
  private var frame = 0
  private var used = 0

  init() {
    unsafe memory = .allocate(byteCount: Self.frames * Self.frameSize, alignment: 64)
  }

  deinit { unsafe memory.deallocate() }

  /// Begins a frame in the place of the oldest.
  mutating func begin() {
    frame = (frame + 1) & (Self.frames - 1)
    used = 0
  }

  /// Describes the frame as received on LIF 1 at `time`, cut by `missing` bytes.
  @unsafe func descriptor(at time: PacketTime, number: UInt64, missing: Int = 0) -> PacketDescriptor {
    // SAFETY: the frame lies in the allocation, which outlives the workers' run.
    let start = unsafe UnsafeRawPointer(memory.baseAddress.unsafelyUnwrapped + frame * Self.frameSize)
    return unsafe PacketDescriptor(
      start: start, capturedLength: UInt32(used - missing), originalLength: UInt32(used - missing),
      time: time, captureTime: time.nanoseconds, sequence: number, lif: 1, port: 0, link: .ethernet)
  }

  /// Writes the headers and payload of `packet`. Checksums are zero: bump-in-the-wire ports do not look.
  mutating func write(_ packet: Conversation.Packet, of conversation: Conversation) {
    begin()
    let transport = (conversation.isTCP ? 20 : 8) + packet.payload
    putEthernet(type: conversation.isIPv6 ? 0x86DD : 0x0800)
    let addresses = (conversation.client, conversation.server)
    let (source, destination) = packet.fromClient ? addresses : (addresses.1, addresses.0)
    if conversation.isIPv6 {
      put(0x6000_0000 as UInt32)
      put(UInt16(transport))
      put(conversation.isTCP ? 6 : 17 as UInt8)
      put(64 as UInt8)
      putIPv6(source)
      putIPv6(destination)
    } else {
      put(0x4500 as UInt16)
      put(UInt16(20 + transport))
      put(0x0000_4000 as UInt32)
      put(64 as UInt8)
      put(conversation.isTCP ? 6 : 17 as UInt8)
      put(0 as UInt16)
      put(source)
      put(destination)
    }
    put(packet.fromClient ? conversation.clientPort : conversation.serverPort)
    put(packet.fromClient ? conversation.serverPort : conversation.clientPort)
    if conversation.isTCP {
      put(packet.sequence)
      put(packet.acknowledgment)
      put(0x50 as UInt8)
      put(packet.flags)
      put(0xFFFF as UInt16)
      put(0 as UInt32)
    } else {
      put(UInt16(transport))
      put(0 as UInt16)
    }
    for _ in 0..<packet.payload { put(0x61 as UInt8) }
  }

  /// Writes an ARP request, which cannot be a session.
  mutating func writeARP() {
    begin()
    putEthernet(type: 0x0806)
    put(0x0001_0800 as UInt32)
    put(0x0604_0001 as UInt32)
    for _ in 0..<20 { put(1 as UInt8) }
  }

  private mutating func putEthernet(type: UInt16) {
    put(0x0200_0000 as UInt32)
    put(0x0001_0200 as UInt32)
    put(0x0000_0002 as UInt32)
    put(type)
  }

  private mutating func putIPv6(_ low: UInt32) {
    put(0x2001_0DB8 as UInt32)
    put(0 as UInt32)
    put(0 as UInt32)
    put(low)
  }

  private mutating func put<Value: FixedWidthInteger>(_ value: Value) {
    precondition(used + MemoryLayout<Value>.size <= Self.frameSize, "no frame of ours is longer")
    // SAFETY: checked above; `frame` is below `frames`.
    unsafe memory.storeBytes(of: value.bigEndian, toByteOffset: frame * Self.frameSize + used, as: Value.self)
    used += MemoryLayout<Value>.size
  }

  private static let frames = 65536
  /// Ethernet, IPv6, TCP and 10 bytes of payload take 84.
  private static let frameSize = 128
}
