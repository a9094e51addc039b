/// Packets that arrive on routed ports: what is for us is answered, what cannot be forwarded ends here,
/// before it could open or count into a session. docs/routing.md.
extension Worker {
  /// Goes through the burst between parse and decide; packets that end here leave the flow packets.
  @inline(never)
  mutating func screen(_ burst: borrowing PacketBurst) {
    var kept = 0
    var position = 0
    for index in 0..<burst.count {
      let isFlow = position < flows.count && Int(flows.packets[position].index) == index
      let ends = router.ports[burst.port(index)].isRouted && (isFlow || isOpen(index)) && ends(burst, index)
      let isCounted = ends && outcome.verdicts[index].kind != .handOff
      if ends { tally.screened += 1 }
      guard isFlow else {
        // Whoever it is handed to counts it, or has counted it.
        if ends, !isCounted { tally.other -= 1 }
        continue
      }
      if ends {
        if isCounted { tally.other += 1 }
      } else {
        if kept != position {
          flows.packets[kept] = flows.packets[position]
          flows.addresses6[kept] = flows.addresses6[position]
        }
        kept += 1
      }
      position += 1
    }
    flows.count = kept
  }

  /// Whether a packet without ports has a verdict that this may change: not if it is malformed, waits or goes
  /// to another worker.
  private func isOpen(_ index: Int) -> Bool {
    let verdict = outcome.verdicts[index]
    switch verdict.kind {
    case .handOff, .hold: return false
    case .drop: return verdict.reason == .nonSessionDrop
    case .forward, .mirror, .snoop, .punt, .consume: return true
    }
  }

  /// Whether the packet has its verdict now.
  private mutating func ends(_ burst: borrowing PacketBurst, _ index: Int) -> Bool {
    do throws(DropReason) {
      guard let verdict = try admit(burst, index) else { return false }
      outcome[index] = verdict
    } catch {
      outcome[index] = .drop(error)
    }
    return true
  }

  /// - Returns: its verdict, when the packet ends here; nil when it is to be forwarded.
  private mutating func admit(
    _ burst: borrowing PacketBurst, _ index: Int
  ) throws(DropReason) -> Verdict? {
    let bytes = burst.bytes(index)
    let position = burst.port(index)
    guard burst.link(index) == .ethernet else { throw .notRoutable }
    let frame = try Frame.parse(bytes, link: .ethernet, originalLength: burst.originalLength(index))
    guard frame.tagCount == 0 else { throw .taggedOnRoutedPort }
    let destinationMAC = try EthernetHeader(parsing: bytes).destination
    let isGroup = destinationMAC.isGroupAddress
    guard isGroup || destinationMAC == router.ports[position].mac else { throw .otherDestinationMAC }
    if frame.kind == .arp { return ended(try answerARP(burst, index, frame)) }
    try checkHeader(bytes, frame)
    let source = frame.source(in: bytes)
    let destination = frame.destination(in: bytes)
    if frame.kind == .icmpv6, let kind = try answerNeighbor(burst, index, frame) { return ended(kind) }
    try checkAddresses(source, destination, isGroup: isGroup)
    let entry = router.find(destination, at: position)
    if entry.kind == .local { return try answer(burst, index, frame) }
    if entry.kind == .broadcast { throw .multicastNotRouted }
    try checkForwarding(source, destination)
    let hops = frame.family == 4 ? frame.ipv4(in: bytes).timeToLive : frame.ipv6(in: bytes).hopLimit
    guard hops > 1 else {
      tell(.timeExceeded, about: bytes, frame, at: position, now: burst.time(index))
      throw .timeExceeded
    }
    return nil
  }

  /// Whether a frame has a whole IP packet that a router looks at further (RFC 1812 §5.2.2). One without
  /// length is left to a device, or a jumbogram: neither comes over a link that we know.
  private func checkHeader(_ bytes: RawSpan, _ frame: Frame) throws(DropReason) {
    guard frame.family != 0, !frame.isSnapped, frame.kind != .cutBeforePorts else { throw .notRoutable }
    if frame.family == 4 {
      let network = Int(frame.networkOffset)
      let header = frame.ipv4(in: bytes)
      guard header.totalLength != 0 else { throw .badIPv4TotalLength }
      guard Checksum.of(bytes.extracting(network..<network + header.headerLength)) == 0 else {
        throw .badIPv4Checksum
      }
    } else {
      guard !frame.ipv6(in: bytes).mayBeJumbogram else { throw .notRoutable }
    }
  }

  /// RFC 1812 §5.3.4, §5.3.7.
  private func checkAddresses(
    _ source: IPAddress, _ destination: IPAddress, isGroup: Bool
  ) throws(DropReason) {
    guard source.isStation else { throw .martianSource }
    guard !destination.isMulticast, !destination.isReserved else { throw .multicastNotRouted }
    guard !isGroup else { throw .otherDestinationMAC }
    guard !destination.isOfThisNetwork, !destination.isLoopback else { throw .notRoutable }
  }

  /// What may be for us, or from the link, and must not go on: RFC 4291 §2.5.6, RFC 3927 §7; and sources that
  /// are ourselves or a network's broadcast address.
  private func checkForwarding(_ source: IPAddress, _ destination: IPAddress) throws(DropReason) {
    guard !destination.isLinkLocal, !source.isLinkLocal, !destination.isAutoconfigured,
      !source.isAutoconfigured
    else { throw .notRoutable }
    let kind = router.table.find(source).kind
    guard kind != .local, kind != .broadcast else { throw .martianSource }
  }

  /// The same of a packet that came by a port that is not routed, and is to leave by one that is.
  func checkArrival(_ bytes: RawSpan, _ frame: Frame) throws(DropReason) {
    try checkHeader(bytes, frame)
    let (source, destination) = (frame.source(in: bytes), frame.destination(in: bytes))
    let isGroup = try EthernetHeader(parsing: bytes).destination.isGroupAddress
    try checkAddresses(source, destination, isGroup: isGroup)
    try checkForwarding(source, destination)
  }

  /// What another worker showed to us it has counted: it is handed to nobody.
  private func ended(_ kind: Verdict.Kind) -> Verdict {
    kind == .handOff ? .handOff(to: UInt32(truncatingIfNeeded: index)) : Verdict(kind)
  }

  /// A packet to one of our own addresses.
  private mutating func answer(
    _ burst: borrowing PacketBurst, _ index: Int, _ frame: Frame
  ) throws(DropReason) -> Verdict {
    let bytes = burst.bytes(index)
    let isWhole = !frame.isFirstFragment && !frame.isLaterFragment
    // RFC 5095 §3, RFC 8200 §4.4: it was to go on from here.
    guard frame.extensionHeaders(in: bytes)?.segmentsLeft ?? 0 == 0 else { throw .notRoutable }
    if isWhole, frame.kind == .icmp || frame.kind == .icmpv6 {
      let message = bytes.extracting(droppingFirst: Int(frame.transportOffset)).extracting(
        first: Int(frame.transportLength))
      guard isRight(message, frame, bytes) else { throw .badICMPChecksum }
      let header = try ICMPHeader(parsing: message, family: frame.family == 4 ? .ipv4 : .ipv6)
      if header.isEcho, !header.isReply {
        answerEcho(bytes, message, frame, at: burst.port(index), now: burst.time(index))
        return Verdict(.consume)
      }
    }
    let port = ports[burst.port(index)]
    // IKE and ESP are punted, and counted so, until they are opened here: all of an SA by one worker.
    if isWhole, let spi = SecurityIndex(frame, in: bytes) {
      let owner = sessions.secret.hash(spi).worker(of: workerCount)
      guard owner == UInt32(truncatingIfNeeded: self.index) else {
        fates[index] = FragmentFate(.association)
        hasFates = true
        tally.handOffs += 1
        return .handOff(to: owner)
      }
      return punt(port: burst.port(index))
    }
    if frame.hasPorts ? port.miss == .punt : port.nonSession == .punt {
      return punt(port: burst.port(index))
    }
    throw .noService
  }

  /// Whether an ICMP message has the checksum it should.
  func isRight(_ message: RawSpan, _ frame: Frame, _ bytes: RawSpan) -> Bool {
    var checksum = Checksum()
    if frame.family == 6 {
      checksum.addPseudoHeader(
        source: frame.source(in: bytes), destination: frame.destination(in: bytes),
        protocolNumber: IPProtocol.icmpv6, length: message.byteCount)
    }
    checksum.add(message)
    return checksum.value == 0
  }
}
