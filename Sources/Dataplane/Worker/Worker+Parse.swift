extension Worker {
  /// Packets between asking for a packet's first line and reading it.
  private static var headersAhead: Int { 8 }

  /// Reads every packet's headers; makes the keys of those with a 5-tuple and has their buckets fetched.
  ///
  /// Packets that are malformed, cannot be a session, or belong to another worker have their verdict after
  /// this; the others are in `flows`.
  @inline(never)
  mutating func parse(_ burst: borrowing PacketBurst) {
    flows.removeAll()
    let secret = sessions.secret
    let own = UInt32(truncatingIfNeeded: self.index)
    var now = time
    let packets = flows.packets.view
    var count = 0
    passEnd = burst.count
    var end = passEnd
    var index = 0
    while index < end {
      defer { index &+= 1 }
      burst.prefetch(index &+ Self.headersAhead)
      if burst.capturedLength(index) >= OrdinaryPacket.leadingCount,
        let ordinary = OrdinaryPacket(
          burst.leadingBytes(index, count: OrdinaryPacket.leadingCount),
          byteCount: burst.capturedLength(index), link: burst.link(index))
      {
        packets[count].read(burst, index, vlan: 0, now: now)
        packets[count].read(ordinary, secret)
      } else {
        let hasKey = describe(burst, index, at: count, now: now)
        end = passEnd
        if !hasKey { continue }
      }
      // Time does not run backwards, neither within a burst nor for what another worker handed over.
      now = packets[count].time
      let hash = packets[count].key.hash
      if workerCount > 1, hash.worker(of: workerCount) != own {
        outcome.verdicts[index] = .handOff(to: hash.worker(of: workerCount))
        tally.handOffs += 1
        continue
      }
      packets[count].candidate = sessions.flows.prefetchBucket(hash)
      count &+= 1
    }
    flows.count = count
  }
}

extension SessionPacket {
  /// What the port knows about packet `index`.
  @inline(__always)
  mutating func read(
    _ burst: borrowing PacketBurst, _ index: Int, vlan: UInt16, now: PacketTime
  ) {
    time = max(burst.time(index), now)
    lif = LIF(number: burst.lif(index), vlan: vlan)
    port = UInt8(truncatingIfNeeded: burst.port(index))
    bytes = burst.originalLength(index)
    self.index = UInt8(truncatingIfNeeded: index)
  }

  @inline(__always)
  fileprivate mutating func read(_ packet: borrowing OrdinaryPacket, _ secret: FlowSecret) {
    key = FlowKey(
      networkAddresses: packet.networkAddresses, ports: packet.networkPorts,
      kind: FlowKind(isTCP: packet.isTCP, isIPv6: false), secret: secret)
    isOrdinary = true
    hasTCPFields = packet.isTCP
    flags = packet.flags
    acknowledgment = packet.acknowledgment
    window = packet.window
    sequence = 0
    payloadLength = 0
    windowScaleOption = Self.noWindowScale
  }
}
