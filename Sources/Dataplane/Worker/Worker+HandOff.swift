extension Worker {
  /// Hands the packets marked so to the workers that own their sessions. Replay waits for room, live drops.
  mutating func handOff(_ burst: borrowing PacketBurst) {
    for index in 0..<burst.count where outcome.verdicts[index].kind == .handOff {
      let ring = unsafe mesh.ring(from: self.index, to: outcome.verdicts[index].worker)
      // SAFETY: the queue keeps the bytes until the mesh says that they were dealt with.
      var packet = unsafe burst.descriptor(index)
      unsafe packet.isHandedOff = true
      var isPushed = unsafe ring.push(packet)
      while !isPushed, mesh.waits {
        ThreadPause.yield()
        isPushed = unsafe ring.push(packet)
      }
      if !isPushed {
        tally.missed += 1
        outcome.verdicts[index] = .drop(.handoffRingFull)
      }
    }
  }

  /// Takes a burst of what other workers handed over through the ring from `sender`.
  ///
  /// - Returns: how many packets; after the burst is done they are given back by `releaseTakenOver`.
  mutating func takeOver(from sender: Int, into burst: inout PacketBurst) -> Int {
    let ring = unsafe mesh.ring(from: sender, to: index)
    burst.removeAll()
    let count = unsafe min(ring.count, burst.limit)
    for offset in 0..<count { unsafe burst.append(ring[offset]) }
    return count
  }

  mutating func releaseTakenOver(from sender: Int, _ count: Int) {
    unsafe mesh.ring(from: sender, to: index).release(count)
  }
}
