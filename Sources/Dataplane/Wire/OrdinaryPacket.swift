/// The packet that nearly every packet is: untagged Ethernet, IPv4 without options, no fragment, UDP or TCP
/// without SYN, captured whole. A view with one bounds check, whose fields stand at constant offsets.
///
/// Not a second demux: what it accepts, ``Frame`` accepts with the same answer (a test compares them on
/// everything we have); what it refuses goes to ``Frame``. It has no branch between TCP and UDP, since a mix
/// of them cannot be predicted.
package struct OrdinaryPacket: ~Escapable {
  private let bytes: LeadingBytes
  /// All ones for TCP, 0 for UDP: masks what only TCP has.
  private let mask: UInt32
  private let transportLength: UInt32

  /// - Returns: nil for everything that is not ordinary, malformed packets included.
  @inline(__always)
  @_lifetime(copy bytes)
  package init?(_ bytes: RawSpan, link: LinkType) {
    guard link == .ethernet, let leading = LeadingBytes(bytes, count: Field.end) else { return nil }
    let typeAndVersion = leading.loadBigEndian(at: Field.etherType, as: UInt32.self) >> 8
    let number: UInt8 = leading.loadBigEndian(at: Field.protocolNumber)
    let fragmentation: UInt16 = leading.loadBigEndian(at: Field.fragmentation)
    guard typeAndVersion == Field.plainIPv4, fragmentation & Field.isFragment == 0,
      IPProtocol.hasPorts(number)
    else { return nil }
    let isTCP = number == IPProtocol.tcp
    let mask: UInt32 = isTCP ? .max : 0
    let length = Int(leading.loadBigEndian(at: Field.totalLength, as: UInt16.self))
    let claimed = length - IPv4Header.size
    let dataOffset = UInt32(leading.loadBigEndian(at: Field.dataOffset, as: UInt8.self) >> 4) << 2
    let datagram = UInt32(leading.loadBigEndian(at: Field.datagramLength, as: UInt16.self))
    let own = Int(datagram ^ (datagram ^ dataOffset) & mask)
    let least =
      UDPHeader.size + (TCPHeader.size - UDPHeader.size) & Int(truncatingIfNeeded: Int32(bitPattern: mask))
    guard own >= least, own <= claimed, length + EthernetHeader.size <= bytes.byteCount else { return nil }
    self.bytes = leading
    self.mask = mask
    transportLength = UInt32(truncatingIfNeeded: claimed)
    // A SYN has options to be read.
    guard !flags.contains(.syn) else { return nil }
    // Port 4500 may be ESP in UDP, which Frame looks into. TCP on that port goes there too.
    guard sourcePort != UDPHeader.natTraversalPort, destinationPort != UDPHeader.natTraversalPort else {
      return nil
    }
  }

  @inline(__always) package var isTCP: Bool { mask != 0 }
  @inline(__always) package var source: UInt32 { bytes.loadBigEndian(at: Field.source) }
  @inline(__always) package var destination: UInt32 { bytes.loadBigEndian(at: Field.destination) }
  @inline(__always) package var sourcePort: UInt16 { bytes.loadBigEndian(at: Field.sourcePort) }
  @inline(__always) package var destinationPort: UInt16 { bytes.loadBigEndian(at: Field.destinationPort) }

  // TCP's fields; 0 for UDP.
  @inline(__always) package var sequence: UInt32 { bytes.loadBigEndian(at: Field.sequence) & mask }
  @inline(__always) package var acknowledgment: UInt32 {
    bytes.loadBigEndian(at: Field.acknowledgment) & mask
  }
  @inline(__always) package var flags: TCPFlags {
    TCPFlags(rawValue: bytes.loadBigEndian(at: Field.flags) & UInt8(truncatingIfNeeded: mask))
  }
  @inline(__always) package var window: UInt16 {
    bytes.loadBigEndian(at: Field.window) & UInt16(truncatingIfNeeded: mask)
  }
  @inline(__always) package var payloadLength: UInt32 {
    let dataOffset = UInt32(bytes.loadBigEndian(at: Field.dataOffset, as: UInt8.self) >> 4) << 2
    return (transportLength &- dataOffset) & mask
  }

  /// What ``Frame`` says of this packet.
  package var frame: Frame {
    var frame = Frame(isTCP ? .tcp : .udp, networkOffset: EthernetHeader.size, etherType: EtherType.ipv4)
    frame.family = 4
    frame.transportOffset = UInt16(Field.sourcePort)
    frame.ipProtocol = isTCP ? IPProtocol.tcp : IPProtocol.udp
    frame.transportLength = transportLength
    if isTCP { frame.flags = Frame.Flag.tcpFields }
    return frame
  }

  /// From the first byte of the frame.
  private enum Field {
    static let etherType = 12, totalLength = 16, fragmentation = 20, protocolNumber = 23
    static let source = 26, destination = 30, sourcePort = 34, destinationPort = 36
    static let sequence = 38, datagramLength = 38, acknowledgment = 42, dataOffset = 46, flags = 47,
      window = 48
    static let end = 54
    /// EtherType IPv4, version 4, five words of header.
    static let plainIPv4: UInt32 = 0x08_0045
    static let isFragment: UInt16 = 0x3FFF
  }
}
