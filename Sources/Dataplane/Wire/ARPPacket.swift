/// ARP packet, RFC 826. A view: it borrows the packet's bytes.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------------------------------+-------------------------------+
///     |         Hardware type         |         Protocol type         |
///     +---------------+---------------+-------------------------------+
///     |  HW length n  | Proto length m|           Operation           |
///     +---------------+---------------+-------------------------------+
///     |  Sender hardware (n), sender protocol (m), target hardware (n), target protocol (m)
public struct ARPPacket: ~Escapable {
  /// Bytes before the addresses.
  public static let fixedSize = 8
  /// Bytes of the IPv4 over Ethernet form.
  public static let ipv4OverEthernetSize = 28

  private let bytes: RawSpan

  /// Frames `bytes` as an ARP packet. After this no accessor can fail.
  ///
  /// - Throws: `.truncatedARP` if shorter than its addresses; `.badARP` if Ethernet addresses are not
  ///   announced with 6 bytes, or IPv4 addresses not with 4.
  @_lifetime(copy bytes)
  public init(parsing bytes: RawSpan) throws(DropReason) {
    guard bytes.byteCount >= Self.fixedSize else { throw .truncatedARP }
    self.bytes = bytes
    guard bytes.byteCount >= Self.fixedSize + 2 * (hardwareLength + protocolLength) else {
      throw .truncatedARP
    }
    guard hardwareType != Hardware.ethernet || hardwareLength == 6 else { throw .badARP }
    guard protocolType != EtherType.ipv4 || protocolLength == 4 else { throw .badARP }
  }

  /// IANA hardware type; 1 is Ethernet.
  public var hardwareType: UInt16 { bytes.loadBigEndian(at: Field.hardwareType) }
  /// EtherType of the protocol addresses.
  public var protocolType: UInt16 { bytes.loadBigEndian(at: Field.protocolType) }
  /// 1 request, 2 reply.
  public var operation: UInt16 { bytes.loadBigEndian(at: Field.operation) }

  /// nil unless hardware addresses are Ethernet's.
  public var senderMAC: MACAddress? { mac(at: Self.fixedSize) }
  /// nil unless hardware addresses are Ethernet's.
  public var targetMAC: MACAddress? { mac(at: Self.fixedSize + hardwareLength + protocolLength) }
  /// nil unless protocol addresses are IPv4's.
  public var senderIPv4: IPAddress? { ipv4(at: Self.fixedSize + hardwareLength) }
  /// nil unless protocol addresses are IPv4's.
  public var targetIPv4: IPAddress? { ipv4(at: Self.fixedSize + 2 * hardwareLength + protocolLength) }

  private var hardwareLength: Int { Int(bytes.loadByte(at: Field.hardwareLength)) }
  private var protocolLength: Int { Int(bytes.loadByte(at: Field.protocolLength)) }

  private func mac(at offset: Int) -> MACAddress? {
    hardwareType == Hardware.ethernet ? EthernetHeader.address(bytes, at: offset) : nil
  }

  private func ipv4(at offset: Int) -> IPAddress? {
    protocolType == EtherType.ipv4 ? IPAddress(ipv4: bytes.loadBigEndian(at: offset)) : nil
  }

  /// Writes an IPv4 over Ethernet packet of 28 bytes at `offset`.
  ///
  /// - Precondition: 28 bytes of room at `offset`; both addresses are IPv4.
  @_lifetime(bytes: copy bytes)
  public static func write(
    operation: UInt16, senderMAC: MACAddress, sender: IPAddress, targetMAC: MACAddress, target: IPAddress,
    into bytes: inout MutableRawSpan, at offset: Int
  ) {
    precondition(sender.family == .ipv4 && target.family == .ipv4, "ARP resolves IPv4 addresses")
    bytes.storeBigEndian(Hardware.ethernet, at: offset + Field.hardwareType)
    bytes.storeBigEndian(EtherType.ipv4, at: offset + Field.protocolType)
    bytes.storeBigEndian(UInt8(6), at: offset + Field.hardwareLength)
    bytes.storeBigEndian(UInt8(4), at: offset + Field.protocolLength)
    bytes.storeBigEndian(operation, at: offset + Field.operation)
    EthernetHeader.write(senderMAC, into: &bytes, at: offset + 8)
    bytes.storeBigEndian(sender.ipv4Value, at: offset + 14)
    EthernetHeader.write(targetMAC, into: &bytes, at: offset + 18)
    bytes.storeBigEndian(target.ipv4Value, at: offset + 24)
  }

  private enum Hardware { static let ethernet: UInt16 = 1 }
  private enum Field {
    static let hardwareType = 0, protocolType = 2, hardwareLength = 4, protocolLength = 5, operation = 6
  }
}
