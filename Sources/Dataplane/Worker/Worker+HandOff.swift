extension Worker {
  /// Hands the packets marked so to the workers that own their sessions. Replay waits for room, live drops.
  mutating func handOff(_ burst: borrowing PacketBurst) {
    for index in 0..<burst.count where outcome.verdicts[index].kind == .handOff {
      // Shown to us by another worker.
      if outcome.verdicts[index].worker == self.index { continue }
      let ring = unsafe mesh.ring(from: self.index, to: outcome.verdicts[index].worker)
      // SAFETY: the queue keeps the bytes until the mesh says that they were dealt with.
      var packet = unsafe HandedOffPacket(packet: burst.descriptor(index), fate: fates[index])
      unsafe packet.packet.isHandedOff = true
      var isPushed = unsafe ring.push(packet)
      while !isPushed, mesh.waits {
        ThreadPause.yield()
        isPushed = unsafe ring.push(packet)
      }
      if !isPushed {
        if hasPorts(burst, index) { tally.missed += 1 } else { tally.other += 1 }
        outcome.verdicts[index] = .drop(.handoffRingFull)
      }
    }
    // A worker that falls asleep at this very moment finds the packets when it wakes by itself.
    for doorbell in mesh.doorbells { doorbell.ringIfAsleep() }
  }

  /// Whether a packet that its owner will not see has ports, its own or its first fragment's.
  private func hasPorts(_ burst: borrowing PacketBurst, _ index: Int) -> Bool {
    if fates[index].kind == .ports { return true }
    let frame = try? Frame.parse(
      burst.bytes(index), link: burst.link(index), originalLength: burst.originalLength(index))
    return frame.map { $0.hasPorts } ?? false
  }

  /// Takes a burst of what other workers handed over through the ring from `sender`.
  ///
  /// - Returns: how many packets; after the burst is done they are given back by `releaseTakenOver`.
  mutating func takeOver(from sender: Int, into burst: inout PacketBurst) -> Int {
    let ring = unsafe mesh.ring(from: sender, to: index)
    burst.removeAll()
    let count = unsafe min(ring.count, burst.limit)
    for offset in 0..<count {
      let packet = unsafe ring[offset]
      unsafe burst.append(packet.packet)
      if unsafe packet.fate.kind != .unknown {
        unsafe fates[offset] = packet.fate
        hasFates = true
      }
    }
    return count
  }

  mutating func releaseTakenOver(from sender: Int, _ count: Int) {
    unsafe mesh.ring(from: sender, to: index).release(count)
  }
}
