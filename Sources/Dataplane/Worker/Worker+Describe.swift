extension Worker {
  /// Any packet, by the one demux.
  ///
  /// May end the pass before or behind this packet: see `passEnd`.
  ///
  /// - Parameter position: where among the flow packets it is described.
  /// - Returns: whether it has a 5-tuple, its own or one that it follows; if not, its verdict is made.
  @inline(never)
  mutating func describe(
    _ burst: borrowing PacketBurst, _ index: Int, at position: Int, now: PacketTime
  ) -> Bool {
    do throws(DropReason) {
      if fates[index].kind == .drop { throw fates[index].reason }
      if fates[index].kind == .association {
        tally.other += 1
        outcome.verdicts[index] = punt(port: burst.port(index))
        return false
      }
      let frame = try Frame.parse(
        burst.bytes(index), link: burst.link(index), originalLength: burst.originalLength(index))
      guard frame.isFirstFragment || frame.isLaterFragment else {
        return place(burst, index, frame, at: position, now: now)
      }
      return try place(fragment: burst, index, frame, at: position, now: now)
    } catch {
      tally.other += 1
      outcome.verdicts[index] = .drop(error)
      return false
    }
  }

  /// A packet that speaks for itself.
  mutating func place(
    _ burst: borrowing PacketBurst, _ index: Int, _ frame: Frame, at position: Int, now: PacketTime
  ) -> Bool {
    let bytes = burst.bytes(index)
    var packet = SessionPacket.empty
    packet.read(burst, index, vlan: frame.vlan, now: now)
    if frame.hasPorts {
      packet.read(frame, bytes, sessions.secret, &flows.addresses6[position])
    } else if !packet.readQuote(frame, bytes, sessions.secret, &flows.addresses6[position]) {
      withoutSession(frame, port: burst.port(index), index)
      return false
    }
    place(packet, frame, at: position)
    return true
  }

  /// A packet with a key.
  mutating func place(_ packet: SessionPacket, _ frame: Frame, at position: Int) {
    flows.packets[position] = packet
    if packet.key.kind.isIPv6 { flows.hasIPv6 = true }
    // Counted where the packet gets its verdict.
    guard packet.key.hash.worker(of: workerCount) == UInt32(truncatingIfNeeded: self.index) else { return }
    if frame.isSnapped { tally.snapped += 1 }
    if frame.isLaterFragment { tally.laterFragments += 1 }
  }

  /// The policy for packets that cannot be sessions.
  mutating func withoutSession(_ frame: Frame, port: Int, _ index: Int) {
    tally.other += 1
    if frame.isSnapped { tally.snapped += 1 }
    if frame.isLaterFragment { tally.laterFragments += 1 }
    outcome.verdicts[index] = nonSessionVerdict(port: port)
  }

  /// To the host port of the port that received the packet.
  func punt(port: Int) -> Verdict { Verdict(.punt, outLIF: ports[port].host) }

  func nonSessionVerdict(port: Int) -> Verdict {
    switch ports[port].nonSession {
    case .forward: Verdict(.forward, outLIF: ports[port].peer)
    case .punt: punt(port: port)
    case .drop: .drop(.nonSessionDrop)
    }
  }
}

extension SessionPacket {
  /// A packet that has its ports, with TCP's fields as far as captured.
  fileprivate mutating func read(
    _ frame: Frame, _ bytes: RawSpan, _ secret: FlowSecret, _ addresses6: inout FlowAddresses6
  ) {
    let ports = frame.ports(in: bytes)
    readKey(
      frame, bytes, ports.source, ports.destination, isTCP: frame.kind == .tcp, secret, &addresses6)
    guard frame.tcpFieldsCaptured else { return }
    let header = frame.tcp(in: bytes)
    hasTCPFields = true
    flags = header.flags
    isOrdinary = flags.isOrdinary
    sequence = header.sequence
    acknowledgment = header.acknowledgment
    window = header.window
    payloadLength = frame.tcpPayloadLength(in: bytes)
    if flags.contains(.syn) {
      let isCut = bytes.byteCount - Int(frame.transportOffset) < header.dataOffset
      windowScaleOption = header.windowScale() ?? (isCut ? Self.cutWindowScale : Self.noWindowScale)
    }
  }

  /// The key of an IP packet with ports that stand in it, or that its first fragment told.
  mutating func readKey(
    _ frame: Frame, _ bytes: RawSpan, _ source: UInt16, _ destination: UInt16, isTCP: Bool,
    _ secret: FlowSecret, _ addresses6: inout FlowAddresses6
  ) {
    let kind = FlowKind(isTCP: isTCP, isIPv6: frame.family == 6)
    if frame.family == 4 {
      let header = frame.ipv4(in: bytes)
      key = FlowKey(
        source: header.sourceValue, sourcePort: source, destination: header.destinationValue,
        destinationPort: destination, kind: kind, secret: secret)
    } else {
      let header = frame.ipv6(in: bytes)
      key = FlowKey(
        source: header.source, sourcePort: source, destination: header.destination,
        destinationPort: destination, kind: kind, secret: secret, addresses6: &addresses6)
    }
    isOrdinary = !isTCP
  }
}
