/// The packet that nearly every packet is: untagged Ethernet, IPv4 without options, no fragment, UDP or TCP
/// with ACK and without SYN, FIN or RST, captured whole. A view with one bounds check, whose fields stand at
/// constant offsets.
///
/// Not a second demux: what it accepts, ``Frame`` accepts with the same answer (a test compares them on
/// everything we have); what it refuses goes to ``Frame``. It has no branch between TCP and UDP, since a mix
/// of them cannot be predicted.
package struct OrdinaryPacket: ~Escapable {
  private let bytes: LeadingBytes
  /// All ones for TCP, 0 for UDP.
  private let mask: UInt32

  /// - Returns: nil for everything that is not ordinary, malformed packets included.
  @inline(__always)
  @_lifetime(copy bytes)
  package init?(_ bytes: RawSpan, link: LinkType) {
    guard let leading = LeadingBytes(bytes, count: Self.leadingCount) else { return nil }
    self.init(leading, byteCount: bytes.byteCount, link: link)
  }

  /// Bytes that must have been captured for a packet to be ordinary.
  package static var leadingCount: Int { Field.end }

  /// - Parameters:
  ///   - leading: at least `leadingCount` bytes.
  ///   - byteCount: all bytes captured.
  @inline(__always)
  @_lifetime(copy leading)
  init?(_ leading: LeadingBytes, byteCount: Int, link: LinkType) {
    guard link == .ethernet else { return nil }
    let first: UInt64 = leading.loadLittleEndian(at: Field.etherType)
    let second: UInt64 = leading.loadLittleEndian(at: Field.totalLength)
    // Arithmetic in place of branches on the protocol: TCP's number is even, UDP's is odd.
    let number = UInt32(truncatingIfNeeded: second >> 56)
    let mask = number & 1 &- 1
    let isOther = number ^ UInt32(IPProtocol.udp) ^ UInt32(IPProtocol.tcp ^ IPProtocol.udp) & mask
    guard
      (first ^ Field.plainIPv4) & Field.typeAndVersion | second & Field.isFragment | UInt64(isOther) == 0
    else { return nil }
    self.mask = mask
    let length = UInt32(UInt16(truncatingIfNeeded: first >> 32).byteSwapped)
    let dataOffset = UInt32(leading.loadBigEndian(at: Field.dataOffset, as: UInt8.self) >> 4) << 2
    let datagram = UInt32(leading.loadBigEndian(at: Field.datagramLength, as: UInt16.self))
    // What the transport header says of itself. An IPv4 length below its own header's is not above it.
    let own = datagram ^ (datagram ^ dataOffset) & mask
    let least = UInt32(UDPHeader.size) &+ (UInt32(TCPHeader.size - UDPHeader.size) & mask)
    guard own >= least, own &+ UInt32(IPv4Header.size) <= length,
      Int(length) &+ EthernetHeader.size <= byteCount
    else { return nil }
    bytes = leading
    // A SYN has options to be read; what opens or closes is looked at closely.
    let flags = UInt32(leading.loadBigEndian(at: Field.flags, as: UInt8.self))
    guard (flags ^ UInt32(TCPFlags.ack.rawValue)) & UInt32(TCPFlags.deciding) & mask == 0 else { return nil }
    // Port 4500 may be ESP in UDP, which Frame looks into. TCP on that port goes there too.
    guard !Self.hasNATTraversalPort(networkPorts) else { return nil }
  }

  /// Whether one of two 16-bit halves is the port, by the arithmetic that finds a zero in a word.
  @inline(__always)
  private static func hasNATTraversalPort(_ ports: UInt32) -> Bool {
    let difference = ports ^ (UInt32(UDPHeader.natTraversalPort.bigEndian) &* 0x0001_0001)
    return (difference &- 0x0001_0001) & ~difference & 0x8000_8000 != 0
  }

  @inline(__always) package var isTCP: Bool { mask != 0 }
  /// Empty for UDP.
  package var flags: TCPFlags {
    TCPFlags(rawValue: bytes.loadBigEndian(at: Field.flags, as: UInt8.self) & UInt8(truncatingIfNeeded: mask))
  }
  /// The kind of its flow: by arithmetic.
  @inline(__always) package var kind: FlowKind { .transport4(tcpMask: UInt8(truncatingIfNeeded: mask)) }

  /// Source address in bits 31...0, destination above, as `FlowKey` takes them.
  @inline(__always) package var networkAddresses: UInt64 { bytes.loadNative(at: Field.source) }
  /// Source port in bits 15...0, destination above.
  @inline(__always) package var networkPorts: UInt32 { bytes.loadNative(at: Field.sourcePort) }

  // TCP's fields; of no meaning for UDP.
  @inline(__always) package var acknowledgment: UInt32 { bytes.loadBigEndian(at: Field.acknowledgment) }
  @inline(__always) package var window: UInt16 { bytes.loadBigEndian(at: Field.window) }

  /// What ``Frame`` says of this packet.
  package var frame: Frame {
    var frame = Frame(isTCP ? .tcp : .udp, networkOffset: EthernetHeader.size, etherType: EtherType.ipv4)
    frame.family = 4
    frame.transportOffset = UInt16(Field.sourcePort)
    frame.ipProtocol = isTCP ? IPProtocol.tcp : IPProtocol.udp
    let length = UInt32(bytes.loadBigEndian(at: Field.totalLength, as: UInt16.self))
    frame.transportLength = length - UInt32(IPv4Header.size)
    if isTCP { frame.flags = Frame.Flag.tcpFields }
    return frame
  }

  /// From the first byte of the frame.
  private enum Field {
    static let etherType = 12, totalLength = 16
    static let source = 26, sourcePort = 34
    static let datagramLength = 38, acknowledgment = 42, dataOffset = 46, flags = 47,
      window = 48
    static let end = 54
    // Of the eight bytes from `etherType` on, the first one lowest: EtherType IPv4, version 4, five words of
    // header.
    static let typeAndVersion: UInt64 = 0xFF_FFFF, plainIPv4: UInt64 = 0x45_0008
    /// Of the eight bytes from `totalLength` on: more fragments, and the offset.
    static let isFragment: UInt64 = 0xFF3F << 32
  }
}
