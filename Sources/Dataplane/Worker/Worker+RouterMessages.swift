/// ICMP messages that a router sends: echo replies and errors. RFC 1812 §4.3, RFC 4443.
extension Worker {
  /// Answers an echo request that was checked.
  mutating func answerEcho(
    _ bytes: RawSpan, _ message: RawSpan, _ frame: Frame, at position: Int, now: PacketTime
  ) {
    let source = frame.source(in: bytes)
    let destination = frame.destination(in: bytes)
    let network = destination.family == .ipv4 ? IPv4Header.size : IPv6Header.size
    let transport = EthernetHeader.size + network
    guard let header = try? ICMPHeader(parsing: message, family: destination.family),
      let buffer = make(transport + message.byteCount)
    else { return }
    let (identifier, sequence) = (header.identifier, header.sequence)
    do {
      var reply = outcome.pool.mutableBytes(buffer)
      reply.copy(message, to: transport)
      ICMPHeader.writeEcho(
        family: destination.family, isReply: true, identifier: identifier, sequence: sequence, into: &reply,
        at: transport)
      Checksum.fill(
        destination.family == .ipv4 ? .icmp : .icmpv6, source: destination, destination: source,
        length: message.byteCount, into: &reply, at: transport)
    }
    let service =
      frame.family == 4 ? frame.ipv4(in: bytes).typeOfService : frame.ipv6(in: bytes).trafficClass
    sendOwn(
      buffer, payload: message.byteCount, from: destination, to: source, service: service, at: position,
      now: now)
  }

  /// Tells the sender of a packet what became of it, unless that is forbidden. RFC 1122 §3.2.2, RFC 1812
  /// §4.3.2.7, RFC 4443 §2.4 (e).
  ///
  /// - Parameter position: of the port that received it, routed or not: one that is not tells nothing.
  mutating func tell(
    _ error: ICMPError, about bytes: RawSpan, _ frame: Frame, at position: Int, now: PacketTime
  ) {
    let sender = frame.source(in: bytes)
    let destination = frame.destination(in: bytes)
    guard router.ports[position].isRouted, let source = router.errorSource(for: sender, at: position),
      sender.isStation, !destination.isMulticast, !destination.isReserved, !frame.isLaterFragment,
      !isError(bytes, frame), router.isReachable(sender, at: position), router.takes(error, now)
    else { return }
    let isIPv4 = sender.family == .ipv4
    let packet = bytes.extracting(droppingFirst: Int(frame.networkOffset))
    // Without what follows the packet on Ethernet.
    let length = Int(frame.transportOffset) - Int(frame.networkOffset) + Int(frame.transportLength)
    let quote = packet.extracting(first: min(length, ICMPError.quote(sender.family)))
    let transport = EthernetHeader.size + (isIPv4 ? IPv4Header.size : IPv6Header.size)
    guard let buffer = make(transport + ICMPError.size + quote.byteCount) else { return }
    do {
      var made = outcome.pool.mutableBytes(buffer)
      made.copy(quote, to: transport + ICMPError.size)
      error.write(
        source: source, destination: sender, quoted: quote.byteCount, into: &made, at: transport)
    }
    sendOwn(
      buffer, payload: ICMPError.size + quote.byteCount, from: source, to: sender, at: position, now: now)
  }

  /// Whether a packet is an ICMP error, or a message that might be one. RFC 4443 §2.4 (e.1), (e.2).
  private func isError(_ bytes: RawSpan, _ frame: Frame) -> Bool {
    guard frame.kind == .icmp || frame.kind == .icmpv6 else { return false }
    let message = bytes.extracting(droppingFirst: Int(frame.transportOffset))
    guard message.byteCount > 0 else { return true }
    let type = message.loadByte(at: 0)
    if frame.family == 6 { return type < 128 || type == 137 }
    return ![0, 8, 13, 14].contains(type)
  }

  /// Sends a message of ours that stands in `buffer` behind room for its headers.
  private mutating func sendOwn(
    _ buffer: PacketBuffer, payload: Int, from source: IPAddress, to destination: IPAddress,
    service: UInt8 = 0, at position: Int, now: PacketTime
  ) {
    let entry = router.find(destination, at: position)
    guard entry.kind == .connected || entry.kind == .router, let out = router.position(entry.lif) else {
      return outcome.pool.release(buffer)
    }
    let isIPv4 = source.family == .ipv4
    let (mac, identification) = (router.ports[out].mac, router.nextIdentification())
    do {
      var bytes = outcome.pool.mutableBytes(buffer)
      EthernetHeader.write(
        destination: MACAddress(0), source: mac,
        etherType: isIPv4 ? EtherType.ipv4 : EtherType.ipv6, into: &bytes)
      if isIPv4 {
        IPv4Header.write(
          source: source, destination: destination, protocolNumber: IPProtocol.icmp,
          totalLength: IPv4Header.size + payload, typeOfService: service, identification: identification,
          into: &bytes,
          at: EthernetHeader.size)
      } else {
        IPv6Header.write(
          source: source, destination: destination, nextHeader: IPProtocol.icmpv6, payloadLength: payload,
          trafficClass: service, into: &bytes, at: EthernetHeader.size)
      }
    }
    // An echo may have come by a port whose link takes more.
    guard fits(buffer, by: out) else { return outcome.pool.release(buffer) }
    let packet = HeldPacket(
      buffer, .generated, kind: .forward, port: UInt8(truncatingIfNeeded: position), bytes: buffer.length)
    switch neighbor(entry.nextHop(to: destination), lif: entry.lif, now: now) {
    case .known(let mac): release(packet, mac, at: out)
    case .waits(let place):
      hold(packet, for: place)
    case .noRoom: drop(packet)
    }
  }
}
