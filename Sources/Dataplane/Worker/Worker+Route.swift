/// Packets that leave by routed ports: next hop, time to live, length, Ethernet header. docs/routing.md.
extension Worker {
  /// Goes through the burst behind decide and the copies. Packets that wait for a neighbour are held.
  @inline(never)
  mutating func route<Queue: PacketQueue & ~Copyable>(_ burst: inout PacketBurst, _ queue: borrowing Queue) {
    if !burst.isEmpty { time = max(time, burst.time(burst.count - 1)) }
    if time >= router.nextLook {
      lookAtLinks(queue)
      lookAtNeighbors()
    }
    routeAll(&burst)
  }

  @inline(never)
  private mutating func routeAll(_ burst: inout PacketBurst) {
    for index in 0..<burst.count {
      let verdict = outcome.verdicts[index]
      // A host port gets, and sends, packets as they are.
      guard verdict.kind.isSent, verdict.kind != .punt, !router.ports[burst.port(index)].isHost else {
        continue
      }
      let isFree = verdict.outLIF == 0 && router.ports[burst.port(index)].isRouted
      guard isFree || router.position(verdict.outLIF) != nil else { continue }
      do throws(DropReason) {
        try route(&burst, index, by: verdict.outLIF)
      } catch {
        outcome[index] = .drop(error)
        if traced?.pass.route == nil { traced?.pass.route = TracedPass.Route() }
      }
    }
  }

  /// - Parameter lif: the port that a session names; 0 for whichever the table says.
  private mutating func route(_ burst: inout PacketBurst, _ index: Int, by lif: UInt16) throws(DropReason) {
    let position = burst.port(index)
    let now = burst.time(index)
    let original = burst.originalLength(index)
    guard burst.link(index) == .ethernet, outcome.retaggedCount < PacketBurst.capacity else {
      throw .notRoutable
    }
    var buffer: PacketBuffer
    let out: Int
    let hop: IPAddress
    do {
      let bytes = burst.bytes(index)
      let frame = try Frame.parse(bytes, link: .ethernet, originalLength: original)
      guard frame.family != 0, !frame.isSnapped, frame.hasAddresses(in: bytes) else { throw .notRoutable }
      let destination = frame.destination(in: bytes)
      if !router.ports[position].isRouted { try checkArrival(bytes, frame) }
      guard !destination.isMulticast, !destination.isLinkLocal else { throw .notRoutable }
      let entry = lif == 0 ? router.table.find(destination) : router.table.find(destination, by: lif)
      guard entry.kind == .connected || entry.kind == .router, let port = router.position(entry.lif) else {
        tell(.noRoute, about: bytes, frame, at: position, now: now)
        throw .noRoute
      }
      out = port
      hop = entry.nextHop(to: destination)
      if traced != nil { noteRoute(by: entry.lif, to: hop, frame, bytes) }
      buffer = try rewritten(bytes, frame, by: out, at: position, now: now)
    }
    let wanted = neighbor(hop, lif: router.ports[out].lif, now: now)
    guard case .known(let mac) = wanted else {
      let packet = HeldPacket(
        buffer, .released, kind: outcome.verdicts[index].kind, port: UInt8(truncatingIfNeeded: position),
        bytes: original)
      if case .waits(let place) = wanted {
        outcome[index] = Verdict(.hold, outLIF: router.ports[out].lif)
        tally.neighborHeld += 1
        traced?.pass.route?.waits = true
        return hold(packet, for: place)
      }
      outcome.pool.release(buffer)
      throw .neighborTableFull
    }
    guard outcome.hasRoom(for: fragmentsBeside(buffer, by: out)) else {
      outcome.pool.release(buffer)
      throw .noBuffer
    }
    traced?.pass.route?.mac = mac
    address(&buffer, mac, by: out)
    outcome.retagged[outcome.retaggedCount] = buffer
    outcome.retaggedCount += 1
    var verdict = Verdict(outcome.verdicts[index].kind, outLIF: router.ports[out].lif)
    verdict.vlan = Verdict.keepVLAN
    outcome[index] = verdict
    tally.bytesGrown += burst.replace(index, by: buffer, of: outcome.pool)
  }

  /// Notes for a trace where the packet that goes alone is to go.
  @inline(never)
  private mutating func noteRoute(by lif: UInt16, to hop: IPAddress, _ frame: Frame, _ bytes: RawSpan) {
    let hops = frame.family == 4 ? frame.ipv4(in: bytes).timeToLive : frame.ipv6(in: bytes).hopLimit
    traced?.pass.route = TracedPass.Route(nextHop: hop, outLIF: lif, timeToLive: max(hops, 1) - 1)
  }

  /// The packet as it leaves by a port, but for the neighbour's address, in a buffer.
  private mutating func rewritten(
    _ bytes: RawSpan, _ frame: Frame, by out: Int, at position: Int, now: PacketTime
  ) throws(DropReason) -> PacketBuffer {
    let packet = bytes.extracting(droppingFirst: Int(frame.networkOffset))
    let isIPv4 = frame.family == 4
    let length =
      isIPv4
      ? frame.ipv4(in: bytes).length(within: packet.byteCount)
      : IPv6Header.size + Int(frame.ipv6(in: bytes).payloadLength)
    let hops = isIPv4 ? frame.ipv4(in: bytes).timeToLive : frame.ipv6(in: bytes).hopLimit
    guard hops > 1 else {
      tell(.timeExceeded, about: bytes, frame, at: position, now: now)
      throw .timeExceeded
    }
    let mtu = router.ports[out].mtu
    guard length <= mtu || isIPv4 && !frame.ipv4(in: bytes).dontFragment else {
      tell(.tooBig(mtu: mtu), about: bytes, frame, at: position, now: now)
      throw .packetTooBig
    }
    guard var buffer = outcome.pool.allocate() else { throw .noBuffer }
    guard outcome.pool.append(packet.extracting(first: length), to: &buffer),
      outcome.pool.prepend(EthernetHeader.size, to: &buffer)
    else {
      outcome.pool.release(buffer)
      throw .oversized
    }
    let source = router.ports[out].mac
    var made = outcome.pool.mutableBytes(buffer)
    EthernetHeader.write(
      destination: MACAddress(0), source: source,
      etherType: isIPv4 ? EtherType.ipv4 : EtherType.ipv6, into: &made)
    if isIPv4 {
      IPv4Header.decrementTimeToLive(in: &made, at: EthernetHeader.size)
    } else {
      IPv6Header.decrementHopLimit(in: &made, at: EthernetHeader.size)
    }
    return buffer
  }

  /// What is known of a next hop.
  enum NextHop {
    case known(MACAddress)
    /// It is being asked for; its place in the cache.
    case waits(UInt32)
    case noRoom
  }

  /// Looks a next hop up, and begins to ask for it if need be.
  mutating func neighbor(_ address: IPAddress, lif: UInt16, now: PacketTime) -> NextHop {
    let place = router.cache.find(address, lif: lif)
    if place != Slot.none {
      return router.cache.use(place).map { .known($0) } ?? .waits(place)
    }
    guard let begun = router.cache.begin(address, lif: lif, now: now) else { return .noRoom }
    router.cache.noteRequest(begun, now: now)
    solicit(router.cache[begun], isDirect: false)
    return .waits(begun)
  }

  /// Puts the neighbour's address into a packet that is finished otherwise. Of one that is longer than the
  /// MTU the first fragment stays, and the others are sent as packets of ours.
  private mutating func address(_ buffer: inout PacketBuffer, _ mac: MACAddress, by out: Int) {
    do {
      var bytes = outcome.pool.mutableBytes(buffer)
      EthernetHeader.write(mac, into: &bytes, at: 0)
    }
    // The link's MTU may have changed since it was found to fit; what cannot be cut the queue refuses.
    if Int(buffer.length) > router.ports[out].mtu + EthernetHeader.size, fits(buffer, by: out) {
      fragment(&buffer, mtu: router.ports[out].mtu, lif: router.ports[out].lif)
    }
  }

  /// How many fragments a finished packet becomes beside the first one. Without room for all there is no use
  /// in some.
  private mutating func fragmentsBeside(_ buffer: PacketBuffer, by out: Int) -> Int {
    let mtu = router.ports[out].mtu
    guard Int(buffer.length) > mtu + EthernetHeader.size, fits(buffer, by: out) else { return 0 }
    let size = fragmentation(of: buffer).size
    let step = max((mtu - size) & ~7, 8)
    return (Int(buffer.length) - EthernetHeader.size - size - 1) / step
  }

  /// Lets a packet wait for a neighbour; where too many do, the one that has waited long goes. RFC 4861
  /// §7.2.2.
  mutating func hold(_ packet: HeldPacket, for place: UInt32) {
    guard let displaced = router.cache.hold(packet, for: place) else { return }
    if displaced.origin == .released { count(displaced, droppedFor: .neighborQueueFull) }
    drop(displaced)
  }

  /// Sends a packet that waited, one of ours, or a copy.
  mutating func release(_ packet: HeldPacket, _ mac: MACAddress, at out: Int) {
    var buffer = packet.buffer
    guard outcome.hasRoom(for: fragmentsBeside(buffer, by: out), and: 1) else {
      if packet.origin == .released { count(packet, droppedFor: .noBuffer) }
      return drop(packet)
    }
    address(&buffer, mac, by: out)
    outcome.add(packet, as: buffer, lif: router.ports[out].lif)
  }

  /// Gives a copy or a packet of ours up that could not even wait.
  mutating func drop(_ packet: HeldPacket) {
    if packet.origin == .copy { countFailedCopy() }
    outcome.pool.release(packet.buffer)
  }

  /// Whether a finished packet may leave by a port: whole, or as fragments, which IPv6 packets and those that
  /// forbid it are not cut into.
  mutating func fits(_ buffer: PacketBuffer, by out: Int) -> Bool {
    if Int(buffer.length) <= router.ports[out].mtu + EthernetHeader.size { return true }
    let bytes = outcome.pool.bytes(buffer)
    guard bytes.loadByte(at: EthernetHeader.size) >> 4 == 4 else { return false }
    return !IPv4Header(parsedBefore: bytes.extracting(droppingFirst: EthernetHeader.size)).dontFragment
  }

  private func fragmentation(of buffer: PacketBuffer) -> (size: Int, start: Int, moreFollow: Bool) {
    let header = IPv4Header(
      parsedBefore: outcome.pool.bytes(buffer).extracting(droppingFirst: EthernetHeader.size))
    return (header.headerLength, header.fragmentOffset, header.moreFragments)
  }

  /// Cuts an IPv4 packet into fragments of at most `mtu` bytes. RFC 791 §3.2.
  @inline(never)
  private mutating func fragment(_ buffer: inout PacketBuffer, mtu: Int, lif: UInt16) {
    let (size, start, moreFollow) = fragmentation(of: buffer)
    let payload = Int(buffer.length) - EthernetHeader.size - size
    let step = max((mtu - size) & ~7, 8)
    let front = EthernetHeader.size + size
    var offset = step
    while offset < payload {
      let count = min(step, payload - offset)
      if var piece = outcome.pool.allocate() {
        guard outcome.pool.extend(front + count, &piece) else { return outcome.pool.release(piece) }
        outcome.pool.copy(from: buffer, 0..<front, to: piece, at: 0)
        outcome.pool.copy(from: buffer, front + offset..<front + offset + count, to: piece, at: front)
        do {
          var bytes = outcome.pool.mutableBytes(piece)
          IPv4Header.makeFragment(
            position: start + offset, totalLength: size + count,
            moreFollow: moreFollow || offset + count < payload, isLater: true, in: &bytes,
            at: EthernetHeader.size)
        }
        outcome.add(generated: piece, lif: lif)
      }
      offset += count
    }
    buffer.length = UInt32(front + min(step, payload))
    var bytes = outcome.pool.mutableBytes(buffer)
    IPv4Header.makeFragment(
      position: start, totalLength: size + min(step, payload), moreFollow: true, isLater: start > 0,
      in: &bytes, at: EthernetHeader.size)
  }
}
