/// The first four bytes of TCP and UDP, all that a 5-tuple needs of them. RFC 9293 §3.1, RFC 768.
///
///      0      7 8     15 16    23 24    31
///     +--------+--------+--------+--------+
///     |   Source Port   | Destination Port|
///     +--------+--------+--------+--------+
public struct TransportPorts: ~Escapable {
  /// Length in bytes.
  public static let size = 4

  private let bytes: RawSpan

  /// Frames bytes that hold the ports, which ``Frame`` has checked.
  @inline(__always)
  @_lifetime(copy bytes)
  init(parsedBefore bytes: RawSpan) { self.bytes = bytes }

  @inline(__always) public var source: UInt16 { bytes.loadBigEndian(at: 0) }
  @inline(__always) public var destination: UInt16 { bytes.loadBigEndian(at: 2) }
  /// Source in the high half, destination in the low half.
  @inline(__always) public var value: UInt32 { bytes.loadBigEndian(at: 0) }
}
