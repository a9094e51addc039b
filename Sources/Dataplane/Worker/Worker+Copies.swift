extension Worker {
  /// Makes what the burst needs beside the received bytes: copies for next hops, and retagged packets.
  ///
  /// A copy that cannot be made is counted and never touches its original.
  mutating func rewrite(_ burst: inout PacketBurst) {
    for request in 0..<outcome.copyRequestCount {
      copy(burst, Int(outcome.copyRequests[request]))
    }
    guard outcome.needsRetag else { return }
    for position in 0..<flows.count {
      let index = Int(flows.packets[position].index)
      let vlan = outcome.verdicts[index].vlan
      if vlan != Verdict.keepVLAN, outcome.verdicts[index].kind != .handOff {
        retag(&burst, index, vlan)
      }
    }
  }

  private mutating func copy(_ burst: borrowing PacketBurst, _ index: Int) {
    // Packets of our own may have taken all places.
    guard outcome.copyCount < PacketBurst.capacity else { return countFailedCopy() }
    let hop = copyHops[index]
    let neighbor = hop.flatMap { neighbors.find($0) }
    if neighbor == nil, router.isActive, let hop { return copy(burst, index, by: hop) }
    var copy = PacketCopy(
      packet: index, kind: outcome.verdicts[index].kind, outLIF: 0, originalLength: 0, failed: true,
      buffer: .none)
    if let neighbor {
      copy.outLIF = neighbor.lif.number
      write(burst, index, neighbor, &copy)
    }
    outcome.copies[outcome.copyCount] = copy
    outcome.copyCount += 1
  }

  /// A copy whose next hop is found as any packet's is: it may have to wait for its neighbour's address.
  @inline(never)
  private mutating func copy(_ burst: borrowing PacketBurst, _ index: Int, by hop: IPAddress) {
    let entry = router.table.find(hop)
    guard entry.kind == .connected || entry.kind == .router, let out = router.position(entry.lif) else {
      return countFailedCopy()
    }
    var copy = PacketCopy(
      packet: index, kind: outcome.verdicts[index].kind, outLIF: entry.lif, originalLength: 0, failed: true,
      buffer: .none)
    // The next hop's own address is that of the outer header of GRE; the neighbour's goes in last.
    write(
      burst, index, Neighbor(address: hop, mac: MACAddress(0), lif: LIF(number: entry.lif)), &copy)
    let isWritten = !copy.failed && fits(copy.buffer, by: out)
    if traced != nil {
      traced?.pass.copy = TracedPass.Copy(
        outLIF: isWritten ? copy.outLIF : 0, originalLength: copy.originalLength, failed: true)
    }
    guard isWritten else {
      if copy.buffer.index != PacketBuffer.none.index { outcome.pool.release(copy.buffer) }
      return countFailedCopy()
    }
    let packet = HeldPacket(
      copy.buffer, .copy, kind: copy.kind, port: UInt8(truncatingIfNeeded: burst.port(index)),
      bytes: copy.originalLength)
    switch neighbor(entry.nextHop(to: hop), lif: entry.lif, now: burst.time(index)) {
    case .known(let mac):
      // Transmit has the last word.
      traced?.pass.copy = nil
      release(packet, mac, at: out)
    case .waits(let place):
      traced?.pass.copy?.failed = false
      traced?.pass.copy?.waits = true
      hold(packet, for: place)
    case .noRoom: drop(packet)
    }
  }

  /// Writes the copy of packet `index` to a neighbour; it has failed unless it can be.
  private mutating func write(
    _ burst: borrowing PacketBurst, _ index: Int, _ neighbor: Neighbor, _ copy: inout PacketCopy
  ) {
    guard let buffer = outcome.pool.allocate() else { return }
    copy.buffer = buffer
    let writer = CopyWriter(
      neighbor: neighbor, source: sourceAddress(of: neighbor.lif.number), encapsulation: copyEncapsulation,
      identification: router.isActive ? router.nextIdentification() : 0)
    guard
      let length = writer.write(
        burst.bytes(index), link: burst.link(index), originalLength: burst.originalLength(index),
        into: &copy.buffer, of: &outcome.pool)
    else { return }
    copy.originalLength = length
    copy.failed = false
  }

  /// Packet buffers between two bursts: those that nothing is in, and all.
  package var buffers: (free: Int, all: Int) { (outcome.pool.available, outcome.pool.capacity) }

  /// Counts a copy that is not among those of the burst and was not sent.
  mutating func countFailedCopy() {
    counters.add(.copiesMade)
    counters.add(.copiesFailed)
  }

  /// The Ethernet source address of copies that leave by `lif`.
  private func sourceAddress(of lif: UInt16) -> MACAddress {
    for position in 0..<portCount where ports[position].lif == lif { return ports[position].mac }
    return MACAddress(0x0200_0000_0000 | UInt64(lif))
  }

  /// Puts packet `index` on another VLAN: a copy with its outer tag changed, added or taken off.
  private mutating func retag(_ burst: inout PacketBurst, _ index: Int, _ vlan: UInt16) {
    guard var buffer = outcome.pool.allocate() else {
      outcome.verdicts[index] = .drop(.noBuffer)
      return
    }
    outcome.retagged[outcome.retaggedCount] = buffer
    outcome.retaggedCount += 1
    let isDone = TagWriter(vlan: vlan).write(
      burst.bytes(index), link: burst.link(index), into: &buffer, of: &outcome.pool)
    outcome.retagged[outcome.retaggedCount - 1] = buffer
    guard isDone else {
      outcome.verdicts[index] = .drop(.oversized)
      return
    }
    tally.bytesGrown += burst.replace(index, by: buffer, of: outcome.pool)
  }
}
