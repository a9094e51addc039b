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
    guard outcome.copyCount < PacketBurst.capacity else {
      counters.add(.copiesMade)
      return counters.add(.copiesFailed)
    }
    var copy = PacketCopy(
      packet: index, kind: outcome.verdicts[index].kind, outLIF: 0, originalLength: 0, failed: true,
      buffer: .none)
    let hop = copyHops[index]
    if hop != NeighborTable.none, let buffer = outcome.pool.allocate() {
      copy.buffer = buffer
      let neighbor = neighbors[hop]
      copy.outLIF = neighbor.lif.number
      let writer = CopyWriter(
        neighbor: neighbor, source: sourceAddress(of: neighbor.lif.number), encapsulation: copyEncapsulation)
      if let length = writer.write(
        burst.bytes(index), link: burst.link(index), originalLength: burst.originalLength(index),
        into: &copy.buffer, of: &outcome.pool)
      {
        copy.originalLength = length
        copy.failed = false
      }
    }
    outcome.copies[outcome.copyCount] = copy
    outcome.copyCount += 1
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
