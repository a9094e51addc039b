extension Worker {
  /// Reads every packet's headers; makes the keys of those with a 5-tuple and has their buckets fetched.
  ///
  /// Packets that are malformed, cannot be a session, or belong to another worker have their verdict after
  /// this; the others are in `flows`.
  @inline(never)
  mutating func parse(_ burst: borrowing PacketBurst) {
    flows.removeAll()
    passEnd = burst.count
    var progress = ParseProgress(now: time)
    while true {
      parseOrdinary(burst, &progress)
      guard progress.index < passEnd else { break }
      parseOther(burst, &progress)
    }
    flows.count = progress.count
  }

  /// A packet that is not ordinary, or belongs to another worker.
  @inline(never)
  private mutating func parseOther(_ burst: borrowing PacketBurst, _ progress: inout ParseProgress) {
    let index = progress.index
    progress.index += 1
    guard describe(burst, index, at: progress.count, now: progress.now) else { return }
    // Time does not run backwards, neither within a burst nor for what another worker handed over.
    progress.now = flows.packets[progress.count].time
    let hash = flows.packets[progress.count].key.hash
    let owner = hash.worker(of: workerCount)
    guard owner == UInt32(truncatingIfNeeded: self.index) else {
      outcome.verdicts[index] = .handOff(to: owner)
      tally.handOffs += 1
      return
    }
    flows.packets[progress.count].candidate = sessions.flows.prefetchBucket(hash)
    progress.count += 1
  }
}

/// How far the parse pass is.
struct ParseProgress {
  /// Packets of the burst that were read, and how many of them are flow packets.
  var index = 0
  var count = 0
  /// Time of the last packet with a 5-tuple.
  var now: PacketTime
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
}
