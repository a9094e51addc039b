import CLinuxPacket

extension Worker {
  /// Packets between asking for a packet's first line and reading it.
  private static var headersAhead: Int { PacketBurst.slack }

  /// Reads ordinary packets from `progress` on, up to one that is not.
  ///
  /// Apart from `parse`, so that no call disturbs its registers. Steps by addresses. Mutating though nothing
  /// of the worker changes: to lend it to a function that only reads it copies all of it.
  @inline(never)
  mutating func parseOrdinary(_ burst: borrowing PacketBurst, _ progress: inout ParseProgress) {
    let secret = sessions.secret
    var now = progress.now
    // SAFETY: index <= passEnd <= the burst's count, which is at most the capacity, and that of `flows`.
    var packet = unsafe burst.start + progress.index
    let end = unsafe burst.start + passEnd
    var place = unsafe flows.packets.view.start + progress.count
    var index = UInt8(truncatingIfNeeded: progress.index)
    while unsafe packet < end {
      // SAFETY: behind the last packet is slack; only a hint, whatever address an old descriptor has.
      unsafe sluice_prefetch_read(packet[Self.headersAhead].start)
      let captured = unsafe Int(packet.pointee.capturedLength)
      guard captured >= OrdinaryPacket.leadingCount else { break }
      // SAFETY: so many bytes were captured.
      let leading = unsafe LeadingBytes(start: packet.pointee.start, count: OrdinaryPacket.leadingCount)
      guard
        let ordinary = unsafe OrdinaryPacket(leading, byteCount: captured, link: packet.pointee.link)
      else { break }
      let key = ordinary.key(secret)
      if workerCount > 1, key.hash.worker(of: workerCount) != UInt32(truncatingIfNeeded: self.index) { break }
      // Time does not run backwards, neither within a burst nor for what another worker handed over.
      now = unsafe max(now, packet.pointee.time)
      unsafe place.pointee.key = key
      unsafe place.pointee.time = now
      unsafe place.pointee.lif = LIF(number: packet.pointee.lif)
      unsafe place.pointee.port = packet.pointee.port
      unsafe place.pointee.bytes = packet.pointee.originalLength
      unsafe place.pointee.index = index
      unsafe place.pointee.acknowledgment = ordinary.acknowledgment
      unsafe place.pointee.window = ordinary.window
      unsafe place.pointee.candidate = sessions.flows.prefetchBucket(key.hash)
      unsafe place += 1
      unsafe packet += 1
      index &+= 1
    }
    progress.index = unsafe packet - burst.start
    progress.count = unsafe place - flows.packets.view.start
    progress.now = now
  }
}

extension OrdinaryPacket {
  /// The key of this packet's flow.
  @inline(__always)
  func key(_ secret: FlowSecret) -> FlowKey {
    var key = FlowKey(
      networkAddresses: networkAddresses, ports: networkPorts, kind: kind, secret: secret)
    key.isOrdinary = true
    return key
  }
}
