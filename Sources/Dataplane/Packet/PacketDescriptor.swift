/// One received packet: where its bytes lie and what the port knows about it.
///
/// The bytes belong to whoever received them (a block of a capture, a pool buffer) and stay valid
/// until the packet's worker has finished the burst that holds the descriptor. Only `PacketBurst`
/// and the hand-off rings store descriptors.
@unsafe @frozen public struct PacketDescriptor: BitwiseCopyable {
  public var start: UnsafeRawPointer
  /// Bytes that are there to be read.
  public var capturedLength: UInt32
  /// Bytes that the packet had on its link.
  public var originalLength: UInt32
  /// The packet path's time: monotonic on a worker.
  public var time: PacketTime
  /// The time that the port reported, unclamped; nanoseconds since the Unix epoch in replay.
  public var captureTime: UInt64
  /// Position among all packets that were received with it: the order that written captures keep.
  public var sequence: UInt64
  /// The LIF number of the port that received it.
  public var lif: UInt16
  /// That port's position in the worker's list of ports, 0...255.
  public var port: UInt8
  public var link: LinkType
  /// Whether another worker received it and handed it over.
  public var isHandedOff: Bool

  @inlinable @inline(__always) public init(
    start: UnsafeRawPointer, capturedLength: UInt32, originalLength: UInt32, time: PacketTime,
    captureTime: UInt64, sequence: UInt64, lif: UInt16, port: UInt8, link: LinkType
  ) {
    unsafe self.start = start
    unsafe self.capturedLength = capturedLength
    unsafe self.originalLength = originalLength
    unsafe self.time = time
    unsafe self.captureTime = captureTime
    unsafe self.sequence = sequence
    unsafe self.lif = lif
    unsafe self.port = port
    unsafe self.link = link
    unsafe self.isHandedOff = false
  }
}
