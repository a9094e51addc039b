extension Worker {
  /// Reads every packet's headers; makes the keys of those with a 5-tuple and has their buckets fetched.
  ///
  /// Packets that are malformed, cannot be a session, or belong to another worker have their verdict after
  /// this; the others are listed in `flowPackets`.
  @inline(never)
  mutating func parse(_ burst: borrowing PacketBurst) {
    let secret = sessions.secret
    let own = UInt32(truncatingIfNeeded: self.index)
    let now = time
    var flows = 0
    for index in 0..<burst.count {
      if let ordinary = OrdinaryPacket(burst.bytes(index), link: burst.link(index)) {
        var packet = SessionPacket(burst, index, vlan: 0, now: now)
        packet.read(ordinary, secret)
        packets[index] = packet
      } else if !describe(burst, index) {
        continue
      }
      let hash = packets[index].key.hash
      let owner = hash.worker(of: workerCount)
      if owner == own {
        sessions.flows.prefetchBucket(hash)
        flowPackets[flows] = UInt8(truncatingIfNeeded: index)
        flows &+= 1
      } else {
        outcome.verdicts[index] = .handOff(to: owner)
        tally.handOffs += 1
      }
    }
    flowCount = flows
  }

  /// Any packet, by the one demux.
  ///
  /// - Returns: whether it has a 5-tuple; if not, its verdict is made.
  @inline(never)
  private mutating func describe(_ burst: borrowing PacketBurst, _ index: Int) -> Bool {
    let bytes = burst.bytes(index)
    do throws(DropReason) {
      let frame = try Frame.parse(
        bytes, link: burst.link(index), originalLength: burst.originalLength(index))
      guard frame.hasPorts else {
        if frame.isSnapped { tally.snapped += 1 }
        withoutSession(frame, port: burst.port(index), index)
        return false
      }
      var packet = SessionPacket(burst, index, vlan: frame.vlan, now: time)
      packet.read(frame, bytes, sessions.secret, &addresses6[index])
      packets[index] = packet
      // Counted where the packet gets its verdict.
      if frame.isSnapped, packet.key.hash.worker(of: workerCount) == UInt32(truncatingIfNeeded: self.index) {
        tally.snapped += 1
      }
      return true
    } catch {
      tally.other += 1
      outcome.verdicts[index] = .drop(error)
      return false
    }
  }

  /// The policy for packets that cannot be sessions.
  private mutating func withoutSession(_ frame: Frame, port: Int, _ index: Int) {
    tally.other += 1
    if frame.kind == .laterFragment { tally.laterFragments += 1 }
    outcome.verdicts[index] =
      switch ports[port].nonSession {
      case .forward: Verdict(.forward, outLIF: ports[port].peer)
      case .punt: Verdict(.punt)
      case .drop: .drop(.nonSessionDrop)
      }
  }
}

extension SessionPacket {
  /// What the port knows about packet `index`.
  @inline(__always)
  fileprivate init(_ burst: borrowing PacketBurst, _ index: Int, vlan: UInt16, now: PacketTime) {
    self = .empty
    // What another worker handed over may be older than what this one has seen: its time stands still.
    time = max(burst.time(index), now)
    lif = LIF(number: burst.lif(index), vlan: vlan)
    port = UInt8(truncatingIfNeeded: burst.port(index))
    bytes = burst.originalLength(index)
  }

  @inline(__always)
  fileprivate mutating func read(_ packet: borrowing OrdinaryPacket, _ secret: FlowSecret) {
    key = FlowKey(
      source: packet.source, sourcePort: packet.sourcePort, destination: packet.destination,
      destinationPort: packet.destinationPort, kind: FlowKind(isTCP: packet.isTCP, isIPv6: false),
      secret: secret)
    hasTCPFields = packet.isTCP
    flags = packet.flags
    sequence = packet.sequence
    acknowledgment = packet.acknowledgment
    window = packet.window
    payloadLength = packet.payloadLength
  }

  fileprivate mutating func read(
    _ frame: Frame, _ bytes: RawSpan, _ secret: FlowSecret, _ addresses6: inout FlowAddresses6
  ) {
    let ports = frame.ports(in: bytes)
    let kind = FlowKind(isTCP: frame.kind == .tcp, isIPv6: frame.family == 6)
    if frame.family == 4 {
      let header = frame.ipv4(in: bytes)
      key = FlowKey(
        source: header.sourceValue, sourcePort: ports.source, destination: header.destinationValue,
        destinationPort: ports.destination, kind: kind, secret: secret)
    } else {
      let header = frame.ipv6(in: bytes)
      key = FlowKey(
        source: header.source, sourcePort: ports.source, destination: header.destination,
        destinationPort: ports.destination, kind: kind, secret: secret, addresses6: &addresses6)
    }
    guard frame.tcpFieldsCaptured else { return }
    let header = frame.tcp(in: bytes)
    hasTCPFields = true
    flags = header.flags
    sequence = header.sequence
    acknowledgment = header.acknowledgment
    window = header.window
    payloadLength = frame.tcpPayloadLength(in: bytes)
    if flags.contains(.syn) {
      let isCut = bytes.byteCount - Int(frame.transportOffset) < header.dataOffset
      windowScaleOption = header.windowScale() ?? (isCut ? Self.cutWindowScale : Self.noWindowScale)
    }
  }
}
