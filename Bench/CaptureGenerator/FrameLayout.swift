/// Writes whole Ethernet frames of one size: IPv4 or IPv6, TCP or UDP, all checksums valid.
///
/// It shares no code with the dataplane on purpose: a mistake made in both places would not show.
struct FrameLayout {
  /// Bytes of every frame, without the frame check sequence.
  let frameByteCount: Int

  /// Payload of a data packet of `conversation`: all the room its headers leave.
  func room(for conversation: Conversation) -> Int {
    let transport = conversation.transport == .tcp ? Self.tcpByteCount : Self.udpByteCount
    return frameByteCount - Self.ethernetByteCount - Self.internetByteCount(conversation) - transport
  }

  /// Appends the frame of `segment` to `file`, behind the record header already there.
  ///
  /// A packet shorter than the frame is followed by zeros, as Ethernet pads it.
  func write(_ segment: Segment, of conversation: Conversation, number: UInt64, to file: inout CaptureFile) {
    let frameStart = file.position
    // Locally administered MAC addresses: client side …01, server side …02.
    file.putBigEndian(0x0200_0000 as UInt32)
    file.putBigEndian(segment.fromClient ? 2 : 1 as UInt16)
    file.putBigEndian(0x0200_0000 as UInt32)
    file.putBigEndian(segment.fromClient ? 1 : 2 as UInt16)
    file.putBigEndian(conversation.isIPv6 ? 0x86DD : 0x0800 as UInt16)

    let options = optionsByteCount(segment, of: conversation)
    let header = conversation.transport == .tcp ? Self.tcpByteCount + options : Self.udpByteCount
    let transportByteCount = header + segment.payloadByteCount
    let addressesStart: Int
    if conversation.isIPv6 {
      addressesStart = writeIPv6(segment, conversation, payloadByteCount: transportByteCount, to: &file)
    } else {
      addressesStart = writeIPv4(
        segment, conversation, payloadByteCount: transportByteCount, number: number, to: &file)
    }
    let transportStart = file.position
    switch conversation.transport {
    case .tcp: writeTCP(segment, conversation, optionsByteCount: options, to: &file)
    case .udp: writeUDP(segment, conversation, to: &file)
    }
    file.fill(0x61, count: segment.payloadByteCount)

    // The addresses lie right before the transport header, so one sum covers them and what follows.
    let protocolNumber = Self.protocolNumber(conversation)
    let pseudoHeader = UInt32(protocolNumber) &+ UInt32(transportByteCount)
    var checksum = Self.complement(file.sum(from: addressesStart) &+ pseudoHeader)
    if conversation.transport == .udp && checksum == 0 { checksum = 0xFFFF }  // RFC 768: 0 means none
    file.patchBigEndian(checksum, at: transportStart + (conversation.transport == .tcp ? 16 : 6))
    file.fill(0, count: frameByteCount - (file.position - frameStart))
  }

  /// A SYN carries MSS and window scale where the frame has room, no other segment has options.
  private func optionsByteCount(_ segment: Segment, of conversation: Conversation) -> Int {
    segment.flags.contains(.syn) && room(for: conversation) >= Self.optionsByteCount
      ? Self.optionsByteCount : 0
  }

  private func writeIPv4(
    _ segment: Segment, _ conversation: Conversation, payloadByteCount: Int, number: UInt64,
    to file: inout CaptureFile
  ) -> Int {
    // Returns where the addresses start, as writeIPv6 does: the pseudo-header's sum begins there.
    let start = file.position
    file.putBigEndian(0x4500 as UInt16)
    file.putBigEndian(UInt16(Self.ipv4ByteCount + payloadByteCount))
    file.putBigEndian(UInt16(truncatingIfNeeded: number))  // identification
    file.putBigEndian(0x4000 as UInt16)  // don't fragment
    file.put(64)
    file.put(Self.protocolNumber(conversation))
    file.putBigEndian(0 as UInt16)
    let client = Self.ipv4Clients | conversation.clientHost
    let server = Self.ipv4Servers | conversation.serverHost
    file.putBigEndian(segment.fromClient ? client : server)
    file.putBigEndian(segment.fromClient ? server : client)
    file.patchBigEndian(Self.complement(file.sum(from: start)), at: start + 10)
    return start + 12
  }

  private func writeIPv6(
    _ segment: Segment, _ conversation: Conversation, payloadByteCount: Int, to file: inout CaptureFile
  ) -> Int {
    file.putBigEndian(0x6000_0000 as UInt32)
    file.putBigEndian(UInt16(payloadByteCount))
    file.put(Self.protocolNumber(conversation))
    file.put(64)
    let addressesStart = file.position
    writeIPv6Address(ofClient: segment.fromClient, conversation, to: &file)
    writeIPv6Address(ofClient: !segment.fromClient, conversation, to: &file)
    return addressesStart
  }

  private func writeIPv6Address(
    ofClient isClient: Bool, _ conversation: Conversation, to file: inout CaptureFile
  ) {
    file.putBigEndian(0x2001_0DB8 as UInt32)  // 2001:db8:0:1::/64 and 2001:db8:0:2::/64
    file.putBigEndian(isClient ? 1 : 2 as UInt32)
    file.putBigEndian(0 as UInt32)
    file.putBigEndian(isClient ? conversation.clientHost : conversation.serverHost)
  }

  private func writeTCP(
    _ segment: Segment, _ conversation: Conversation, optionsByteCount: Int, to file: inout CaptureFile
  ) {
    writePorts(segment, conversation, to: &file)
    file.putBigEndian(segment.sequence)
    file.putBigEndian(segment.acknowledgment)
    file.put(UInt8((Self.tcpByteCount + optionsByteCount) / 4) << 4)
    file.put(segment.flags.rawValue)
    file.putBigEndian(64240 as UInt16)  // window: 44 full segments of 1460
    file.putBigEndian(0 as UInt16)  // checksum, patched when the rest is there
    file.putBigEndian(0 as UInt16)  // urgent pointer
    if optionsByteCount > 0 {
      file.putBigEndian(0x0204_05B4 as UInt32)  // MSS 1460
      file.putBigEndian(0x0103_0307 as UInt32)  // no-op, window scale 7
    }
  }

  private func writeUDP(_ segment: Segment, _ conversation: Conversation, to file: inout CaptureFile) {
    writePorts(segment, conversation, to: &file)
    file.putBigEndian(UInt16(Self.udpByteCount + segment.payloadByteCount))
    file.putBigEndian(0 as UInt16)  // checksum, patched when the rest is there
  }

  private func writePorts(_ segment: Segment, _ conversation: Conversation, to file: inout CaptureFile) {
    file.putBigEndian(segment.fromClient ? conversation.clientPort : conversation.serverPort)
    file.putBigEndian(segment.fromClient ? conversation.serverPort : conversation.clientPort)
  }

  /// Folds a sum of 16-bit words and inverts it, RFC 1071.
  private static func complement(_ sum: UInt32) -> UInt16 {
    var folded = sum
    while folded > 0xFFFF { folded = (folded & 0xFFFF) + (folded >> 16) }
    return ~UInt16(truncatingIfNeeded: folded)
  }

  private static func protocolNumber(_ conversation: Conversation) -> UInt8 {
    conversation.transport == .tcp ? 6 : 17
  }

  private static func internetByteCount(_ conversation: Conversation) -> Int {
    conversation.isIPv6 ? ipv6ByteCount : ipv4ByteCount
  }

  /// Frame sizes that hold every header and an octet of data, and fit an Ethernet MTU of 1500.
  static func frameSizes(withIPv6: Bool) -> ClosedRange<Int> {
    (ethernetByteCount + (withIPv6 ? ipv6ByteCount : ipv4ByteCount) + tcpByteCount + 1)...1514
  }

  // Specification.
  private static let ethernetByteCount = 14
  private static let ipv4ByteCount = 20
  private static let ipv6ByteCount = 40
  private static let tcpByteCount = 20
  private static let udpByteCount = 8
  // Ours.
  private static let optionsByteCount = 8
  private static let ipv4Clients: UInt32 = 0x0A00_0000  // 10.0.0.0/12
  private static let ipv4Servers: UInt32 = 0xC612_0000  // 198.18.0.0/20, in RFC 2544's range
}
