/// ICMP errors follow the session that they quote. docs/fragments.md#icmp-errors.
extension Worker {
  /// The verdict on an ICMP error of which `record` is the quoted packet's session, found in the direction in
  /// which the error travels. It neither counts into the session nor renews it.
  @inline(never)
  mutating func follow(quoted record: UInt32, _ position: Int) -> Verdict {
    tally.other += 1
    guard record != FlowTable.none, !sessions.flows.memory[record].state.isClosed else {
      return nonSessionVerdict(port: Int(flows.packets[position].port))
    }
    tally.icmpErrors += 1
    return verdict(position, record)
  }
}

extension SessionPacket {
  /// Reads the packet that an ICMP error quotes as far as its ports: this packet's key is then that of the
  /// answers to it, since the error travels with them.
  ///
  /// - Returns: false when this is no ICMP error, or one that quotes no packet with ports of its own
  ///   receiver: then nothing has changed.
  mutating func readQuote(
    _ frame: Frame, _ bytes: RawSpan, _ secret: FlowSecret, _ addresses6: inout FlowAddresses6
  ) -> Bool {
    guard frame.kind == .icmp || frame.kind == .icmpv6, !frame.isFirstFragment else { return false }
    let message = bytes.extracting(droppingFirst: Int(frame.transportOffset)).extracting(
      first: Int(frame.transportLength))
    guard let header = try? ICMPHeader(parsing: message, family: frame.family == 4 ? .ipv4 : .ipv6),
      header.isError
    else { return false }
    let quote = header.quotedPacket
    guard let quoted = try? Frame.parse(quote, link: .rawIP, originalLength: .max), quoted.hasPorts,
      quoted.family == frame.family, frame.isReceiver(in: bytes, senderOf: quoted, in: quote)
    else { return false }
    let ports = quoted.ports(in: quote)
    readKey(quoted, quote, ports.source, ports.destination, isTCP: quoted.kind == .tcp, secret, &addresses6)
    key = key.reversed
    isOrdinary = false
    markICMPError()
    return true
  }
}

extension Frame {
  /// Whether this packet goes to the address that `other` came from. An error about somebody else's packet is
  /// forged.
  fileprivate func isReceiver(in bytes: RawSpan, senderOf other: Frame, in otherBytes: RawSpan) -> Bool {
    if family == 4 { return ipv4(in: bytes).destinationValue == other.ipv4(in: otherBytes).sourceValue }
    return ipv6(in: bytes).destination == other.ipv6(in: otherBytes).source
  }
}
