/// Up to 256 packets that travel through a worker together. Owned by one worker.
@safe public struct PacketBurst: ~Copyable {
  /// The most packets a burst holds; the worker asks for `limit` of them.
  public static let capacity = 256

  /// Places behind the last one that may be looked at for a hint what to fetch.
  static let slack = 8

  @usableFromInline let descriptors: UnsafeMutablePointer<PacketDescriptor>
  /// Packets in the burst, 0...limit.
  public private(set) var count = 0
  /// The most packets a queue may put in, 1...256. 64 is the measured sweet spot.
  public let limit: Int

  /// - Parameter limit: clamped to 1...256.
  public init(limit: Int = 64) {
    unsafe descriptors = .allocate(capacity: Self.capacity + Self.slack)
    self.limit = min(max(limit, 1), Self.capacity)
  }

  deinit { unsafe descriptors.deallocate() }

  public var isFull: Bool { count == limit }
  public var isEmpty: Bool { count == 0 }

  public mutating func removeAll() { count = 0 }

  /// Becomes the packets of another burst as they are now; its bytes stay that one's.
  package mutating func become(_ other: borrowing PacketBurst) {
    count = min(other.count, limit)
    // SAFETY: both have room for the capacity, and are not the same.
    unsafe descriptors.update(from: other.descriptors, count: count)
  }

  /// Leaves only the first `count` packets, at most those that there are.
  package mutating func keep(first count: Int) { self.count = min(self.count, count) }

  /// Adds a packet. Does nothing when the burst is full: a queue asks `isFull` first.
  ///
  /// - Safety: `descriptor.start` must be readable for `capturedLength` bytes until the burst is next
  ///   emptied.
  @unsafe public mutating func append(_ descriptor: PacketDescriptor) {
    guard count < limit else { return }
    // SAFETY: count < limit <= capacity.
    unsafe descriptors[count] = descriptor
    count += 1
  }

  /// Lets a queue fill the free places in one go: `fill` gets them and answers how many it filled.
  ///
  /// - Safety: as for `append`; no more than the places given may be written or reported.
  @unsafe public mutating func fill(_ fill: (UnsafeMutableBufferPointer<PacketDescriptor>) -> Int) {
    // SAFETY: the buffer covers exactly the free places; what is reported is clamped to them.
    let free = unsafe UnsafeMutableBufferPointer(start: descriptors + count, count: limit - count)
    count += min(max(unsafe fill(free), 0), limit - count)
  }

  /// The descriptor of packet `index`. The index wraps at the capacity.
  @unsafe @inline(__always) package func descriptor(_ index: Int) -> PacketDescriptor {
    // SAFETY: the mask keeps the access inside the allocation.
    unsafe descriptors[index & (Self.capacity - 1)]
  }

  /// Puts the bytes of a pool buffer in the place of packet `index`'s own, such as a retagged copy.
  ///
  /// The original length changes by as much as the captured one, within 32 bits. The caller keeps the
  /// buffer until the burst has been sent.
  ///
  /// - Returns: by how much the original length has grown; negative when it shrank.
  package mutating func replace(
    _ index: Int, by buffer: PacketBuffer, of pool: borrowing PacketPool
  ) -> Int {
    let place = index & (Self.capacity - 1)
    let bytes = pool.bytes(buffer)
    let original = unsafe descriptors[place].originalLength
    let changed = UInt32(
      clamping: Int(original) + bytes.byteCount - Int(unsafe descriptors[place].capturedLength))
    // SAFETY: the pool outlives the burst's transmission and keeps the buffer's bytes in place.
    unsafe bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      unsafe descriptors[place].start = start
    }
    unsafe descriptors[place].capturedLength = UInt32(bytes.byteCount)
    unsafe descriptors[place].originalLength = changed
    return Int(changed) - Int(original)
  }

  /// The captured bytes of packet `index`.
  @_lifetime(borrow self)
  @inline(__always) public func bytes(_ index: Int) -> RawSpan {
    // SAFETY: `append` and `fill` demand bytes that stay readable while the burst holds them.
    let packet = unsafe descriptors[index & (Self.capacity - 1)]
    let span = unsafe RawSpan(_unsafeStart: packet.start, byteCount: Int(packet.capturedLength))
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  /// The first packet's descriptor, for the length of one pass; `slack` places behind the last may be read.
  @unsafe @inline(__always) var start: UnsafePointer<PacketDescriptor> { unsafe UnsafePointer(descriptors) }

  /// Bytes that packet `index` had on its link.
  @inline(__always) public func originalLength(_ index: Int) -> UInt32 {
    unsafe descriptors[index & (Self.capacity - 1)].originalLength
  }

  /// The packet path's time of packet `index`.
  @inline(__always) public func time(_ index: Int) -> PacketTime {
    unsafe descriptors[index & (Self.capacity - 1)].time
  }

  /// The time that the port reported for packet `index`, in nanoseconds.
  @inline(__always) public func captureTime(_ index: Int) -> UInt64 {
    unsafe descriptors[index & (Self.capacity - 1)].captureTime
  }

  /// Position of packet `index` among all that were received with it.
  @inline(__always) public func sequence(_ index: Int) -> UInt64 {
    unsafe descriptors[index & (Self.capacity - 1)].sequence
  }

  /// The LIF number on which packet `index` arrived.
  @inline(__always) public func lif(_ index: Int) -> UInt16 {
    unsafe descriptors[index & (Self.capacity - 1)].lif
  }

  /// The position of that port in the worker's list.
  @inline(__always) public func port(_ index: Int) -> Int {
    unsafe Int(descriptors[index & (Self.capacity - 1)].port)
  }

  @inline(__always) public func link(_ index: Int) -> LinkType {
    unsafe descriptors[index & (Self.capacity - 1)].link
  }

  /// Whether packet `index` came from another worker.
  @inline(__always) public func isHandedOff(_ index: Int) -> Bool {
    unsafe descriptors[index & (Self.capacity - 1)].isHandedOff
  }
}
